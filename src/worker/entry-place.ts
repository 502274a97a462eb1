/**
 * The program of threads and processes, `entry.ts`, which stands beside this file in the package. CommonJS finds it in another way:
 * its build has entry-place-commonjs.ts in place of this file, see scripts/build.js.
 */

/** Its URL. It is put together so that bundlers do not copy the file: they would copy it without its imports. */
export function urlOfProgram(): URL {
  const here = import.meta.url;
  return new URL("./entry.js", here);
}

/** Starts it in a Web Worker. */
export function startProgram(): globalThis.Worker {
  // Bundlers recognize exactly this expression, and include the file.
  return new Worker(new URL("./entry.js", import.meta.url), { type: "module" });
}
