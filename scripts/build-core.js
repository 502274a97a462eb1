// Compiles the core. The release build is written as a module that holds its bytes: one file then works wherever
// JavaScript runs, with no path to resolve and nothing to fetch. All builds are in build/.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import asc from "assemblyscript/asc";
import binaryen from "binaryen";

/**
 * The dozen small functions that every take from a bucket calls. They are inlined, since engines do not inline calls inside
 * WebAssembly. All other code stays as small as it can be. Those of a debt are inlined in their narrow shape only.
 */
const HOT = [
  "commit/transact",
  "head/isAlone",
  "head/present",
  "head/publish",
  "head/readHead",
  "kinds/ask",
  "kinds/take",
  "algorithms/debt/owed<i64>",
  "algorithms/debt/readyAt<i64>",
  "algorithms/debt/settleAt<i64>",
  "algorithms/resource/held",
  "algorithms/token-bucket/take<i64>",
  "refund/lowerMarks<i64>",
  "refund/lowered<i64>",
  "refund/mark<i64>",
  "refund/markCount<i64>",
  "refund/pushMark<i64>",
];
/** The flags of an imported memory with a maximum: shared, and not shared. */
const SHARED = 3;
const PRIVATE = 1;

const root = new URL("../", import.meta.url);

/** @param {string} target */
async function compile(target) {
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", target]);
  if (!error) return;
  process.stderr.write(`${stderr}\n${error.message}\n`);
  process.exit(1);
}

/** Inlines the hot functions, and drops the names. @param {Uint8Array} named */
function inline(named) {
  const module = binaryen.readBinary(named);
  const { Features } = binaryen;
  module.setFeatures(
    Features.Atomics |
      Features.BulkMemory |
      Features.BulkMemoryOpt |
      Features.MutableGlobals |
      Features.NontrappingFPToInt |
      Features.SIMD128 |
      Features.SignExt,
  );
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const { name } = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
    if (HOT.includes(name.replace("assembly/", ""))) continue;
    binaryen.setPassArgument("no-inline", name);
    module.runPasses(["no-inline"]);
  }
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setAlwaysInlineMaxSize(400);
  binaryen.setOneCallerInlineMaxSize(3000);
  binaryen.setAllowInliningFunctionsWithLoops(true);
  module.optimize();
  module.runPasses(["strip-debug", "strip-producers", "strip-target-features"]);
  binaryen.setDebugInfo(false);
  return { bytes: module.emitBinary(), text: module.emitText() };
}

/** The offset of the byte that says whether the memory is shared: it follows the name and the kind of the import. @param {Uint8Array} bytes */
function memoryFlagsOf(bytes) {
  const at = Buffer.from(bytes).indexOf("memory") + "memory".length + 1;
  if (bytes[at] !== SHARED) throw new Error(`the memory's flags are not at ${at}, but ${bytes[at]} is`);
  return at;
}

await mkdir(new URL("src/core/generated/", root), { recursive: true });
await compile("debug");
await compile("release");
const { bytes, text } = inline(await readFile(new URL("build/shared.wasm", root)));
const flags = memoryFlagsOf(bytes);
await writeFile(new URL("build/shared.wasm", root), bytes);
await writeFile(new URL("build/shared.wat", root), text);
await writeFile(new URL("build/private.wasm", root), bytes.with(flags, PRIVATE));
await writeFile(
  new URL("src/core/generated/core.ts", root),
  `// Made by scripts/build-core.js from assembly/.
export default "${Buffer.from(bytes).toString("base64")}";
/** The byte that says whether the memory is shared, and its value for one that is not. */
export const MEMORY_FLAGS = ${flags};
export const PRIVATE = ${PRIVATE};
`,
);
