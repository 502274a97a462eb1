/** In the build for CommonJS, which has no `import.meta`, this is entry-place.ts. The program itself is an ES module all the same. */
import { builtin } from "../platform/builtin.ts";
import { InvalidWorkerError } from "./errors.ts";

export function urlOfProgram(): URL {
  const { pathToFileURL } = builtin<typeof import("node:url")>("node:url")!;
  return new URL("./entry.js", pathToFileURL(__filename));
}

export function startProgram(): globalThis.Worker {
  throw new InvalidWorkerError(
    "a page finds the program of threads only where limitset/worker is imported: use `import`, or name a program by the option entry",
  );
}
