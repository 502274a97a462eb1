// Builds the package into dist/ from src/: ES modules, CommonJS, ES modules for workerd, and declarations for both kinds.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import MagicString from "magic-string";
import { rolldown } from "rolldown";
import { build as tsup } from "tsup";

const root = fileURLToPath(new URL("../", import.meta.url));
const dist = join(root, "dist");

const ENTRIES = [
  "cloudflare/index",
  "fetch/index",
  "http/index",
  "index",
  "llm/index",
  "port/index",
  "redis/index",
  "testing/index",
  "threads/index",
  "worker/index",
];
/** The program of threads and processes: it is started, not imported, and as an ES module by both kinds of build. */
const PROGRAM = "worker/entry";

/** The files that a build has in place of others, each with the reason at its head. All else is the same. */
const IN_WORKERD = {
  "embedded.ts": "imported.ts",
  "embedded-whole.ts": "imported-whole.ts",
  "queue-for.ts": "queue-for-workerd.ts",
  "platform.ts": "workerd.ts",
};
const IN_COMMONJS = { "entry-place.ts": "entry-place-commonjs.ts" };

/** @typedef {Readonly<Record<string, string>>} Others by the names of the files that they replace */

/** @param {Others} others @returns {import("rolldown").Plugin} */
const replacing = (others) => ({
  name: "replacing",
  resolveId(source, importer) {
    const at = source.lastIndexOf("/") + 1;
    const other = others[source.slice(at)];
    if (!source.startsWith(".") || other === undefined) return null;
    return this.resolve(source.slice(0, at) + other, importer, { skipSelf: true });
  },
});

/** @param {readonly string[]} names @returns {Record<string, string>} */
const sourcesOf = (names) => Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

/** @param {readonly string[]} names of the entries @param {Others} others */
const open = (names, others) =>
  rolldown({
    cwd: root,
    input: sourcesOf(names),
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    external: [/^node:/, /^cloudflare:/, /\.wasm$/],
    plugins: [replacing(others)],
    transform: { target: "es2022" },
    tsconfig: join(root, "tsconfig.json"),
    // How long plugins take is no fault of the sources, and on a busy machine every build would have it.
    checks: { pluginTimings: false },
    onLog(_, { message }) {
      throw new Error(message);
    },
  });

/** The files that an entry needs. @param {string} name @param {Others} others */
async function filesOf(name, others) {
  const bundled = await open([name], others);
  const { output } = await bundled.generate();
  await bundled.close();
  return new Set(output.flatMap((each) => (each.type === "chunk" ? each.moduleIds : [])));
}

/**
 * Wraps classes that have a computed key or static code, which bundlers keep in the program even where nothing uses them: they
 * cannot know that evaluating the class does nothing else. So a bundle has only the classes of a chunk that it uses.
 *
 * @type {import("rolldown").Plugin}
 */
const removable = {
  name: "removable",
  renderChunk(code) {
    const text = new MagicString(code);
    for (const statement of this.parse(code).body) {
      // \`class A {}\` or \`var A = class {};\`, whose name is that of the variable.
      const [variable] = statement.type === "VariableDeclaration" ? statement.declarations : [];
      const node = variable === undefined ? statement : variable.init;
      if (node?.type !== "ClassDeclaration" && node?.type !== "ClassExpression") continue;
      const { id, body, start, end } = node;
      if (
        body.body.every(
          (member) => !("computed" in member && member.computed) && member.type !== "StaticBlock",
        )
      )
        continue;
      const name = id?.name ?? code.slice(variable?.id.start, variable?.id.end);
      text.appendLeft(
        start,
        `${variable ? "" : `const ${name} = `}/* @__PURE__ */ (() => {${id ? "return " : `const ${name} = `}`,
      );
      text.appendRight(end, `${id ? "" : `; return ${name}`}})()${variable ? "" : ";"}`);
    }
    return { code: text.toString() };
  },
};

/** The numbers that constants may name. @type {Readonly<Record<string, number>>} */
const NUMBERS = {
  EPSILON: Number.EPSILON,
  MAX_SAFE_INTEGER: Number.MAX_SAFE_INTEGER,
  MAX_VALUE: Number.MAX_VALUE,
  NEGATIVE_INFINITY: Number.NEGATIVE_INFINITY,
  POSITIVE_INFINITY: Number.POSITIVE_INFINITY,
};

/** @type {Readonly<Record<string, (a: number, b: number) => number>>} */
const OPERATIONS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "**": (a, b) => a ** b,
};

/** The value of an expression of numbers and of constants before it; undefined for any other. @param {any} node @param {ReadonlyMap<string, number>} known @returns {number | undefined} */
function amountOf(node, known) {
  switch (node?.type) {
    case "Literal":
      return typeof node.value === "number" ? node.value : undefined;
    case "Identifier":
      return known.get(node.name);
    case "MemberExpression":
      return node.object.name === "Number" ? NUMBERS[node.property.name] : undefined;
    case "UnaryExpression": {
      const value = node.operator === "-" ? amountOf(node.argument, known) : undefined;
      return value === undefined ? undefined : -value;
    }
    case "BinaryExpression": {
      const [left, right] = [amountOf(node.left, known), amountOf(node.right, known)];
      if (left === undefined || right === undefined) return undefined;
      return OPERATIONS[node.operator]?.(left, right);
    }
    default:
      return undefined;
  }
}

/**
 * Writes constants that are calculated of numbers as their values: bundlers keep the calculation in a program even where nothing uses it.
 *
 * @type {import("rolldown").Plugin}
 */
const calculated = {
  name: "calculated",
  renderChunk(code) {
    const text = new MagicString(code);
    /** @type {Map<string, number>} */
    const known = new Map();
    for (const statement of this.parse(code).body) {
      if (statement.type !== "VariableDeclaration") continue;
      for (const { id, init } of statement.declarations) {
        const value = amountOf(init, known);
        if (value === undefined || id.type !== "Identifier" || !/^[A-Z][A-Z_\d$]+$/.test(id.name)) continue;
        known.set(id.name, value);
        if (init && init.type !== "Literal") text.overwrite(init.start, init.end, String(value));
      }
    }
    return { code: text.toString() };
  },
};

/**
 * @param {string} folder
 * @param {"esm" | "cjs"} format
 * @param {readonly string[]} names of the entries
 * @param {Others} others
 */
async function bundle(folder, format, names, others) {
  const ending = format === "cjs" ? "cjs" : "js";
  const ofMain = await filesOf("index", others);
  const bundled = await open(names, others);
  await bundled.write({
    dir: folder,
    format,
    entryFileNames: `[name].${ending}`,
    chunkFileNames: `chunks/[name].${ending}`,
    // Functions need not check then whether a variable of the module has its value yet: engines inline by size.
    topLevelVar: true,
    codeSplitting: { groups: [{ name: "set", test: (id) => ofMain.has(id) }] },
    plugins: [calculated, removable],
    // The files keep their lines, and the names of functions, classes and members but private ones: a trace in them says more than one in minified files,
    // without source maps. Only variables within functions have short names: a program starts some 7 % sooner.
    minify: {
      compress: false,
      mangle: { toplevel: false, keepNames: true },
      codegen: { removeWhitespace: false },
    },
    comments: { legal: true, annotation: true, jsdoc: false },
  });
  await bundled.close();
}

/** Declarations for ES modules by tsup, and the same for CommonJS: TypeScript tells the two apart by their ending. */
async function declare() {
  await tsup({
    config: false,
    silent: true,
    entry: sourcesOf(ENTRIES),
    format: "esm",
    outDir: dist,
    // tsup's declaration bundler sets `baseUrl`, which the compiler calls deprecated.
    dts: { only: true, compilerOptions: { ignoreDeprecations: "6.0" } },
  });
  for (const name of await readdir(dist, { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const text = await readFile(join(dist, name), "utf8");
    await writeFile(
      join(dist, name.replace(/\.d\.ts$/, ".d.cts")),
      text.replace(/(from '\.{1,2}\/[^']+)\.js'/g, "$1.cjs'"),
    );
  }
}

await rm(dist, { recursive: true, force: true });
await Promise.all([
  bundle(dist, "esm", [...ENTRIES, PROGRAM], {}),
  bundle(dist, "cjs", ENTRIES, IN_COMMONJS),
  bundle(join(dist, "workerd"), "esm", ENTRIES, IN_WORKERD),
]);
await mkdir(join(dist, "workerd/core"));
for (const name of ["alone", "whole"]) {
  await copyFile(join(root, `build/${name}-private.wasm`), join(dist, `workerd/core/${name}.wasm`));
}
await declare();
