// Compiles the core. The release build is written as a module that holds its bytes: one file then works wherever
// JavaScript runs, with no path to resolve and nothing to fetch. All builds are in build/.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import asc from "assemblyscript/asc";
import binaryen from "binaryen";

/**
 * The small functions that every take from a bucket calls, or from a known partition. They are inlined, since engines do not inline calls inside
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
  "partitions/states/pack",
  "partitions/states/partsOf",
  "partitions/states/follow",
  "partitions/table/find",
  "partitions/table/nodeAt",
  "partitions/table/matchesIn",
  "partitions/table/fourIn",
  "partitions/table/tagOf",
  "partitions/table/askedHash",
  "partitions/partition/open",
  "partitions/partition/openAll",
  "partitions/partition/closeAll",
  "partitions/partition/tablesEnd",
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

/** The byte below 128 that is rarest among `bytes`. @param {Uint8Array} bytes */
function rarestIn(bytes) {
  const counts = Array.from({ length: 127 }, (_, code) => bytes.filter((byte) => byte === code).length);
  return counts.indexOf(Math.min(...counts));
}

/**
 * The bytes as the text of a string in ASCII, one character a byte; those from 128 on as `mark` and the byte less 128. Compressed, it
 * is an eighth smaller than base64, and as quick to read. Where a byte is `mark` itself, the text has a 0.
 *
 * @param {Uint8Array} bytes @param {number} mark
 */
function textOf(bytes, mark) {
  const codes = Array.from(bytes).flatMap((byte) =>
    byte === mark ? [0] : byte < 128 ? [byte] : [mark, byte - 128],
  );
  const written = codes.map((code) => {
    const character = String.fromCharCode(code);
    if (character === '"' || character === "\\") return `\\${character}`;
    return code >= 32 && code < 127 ? character : `\\x${code.toString(16).padStart(2, "0")}`;
  });
  return `"${written.join("")}"`;
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
const mark = rarestIn(bytes);
await writeFile(new URL("build/shared.wasm", root), bytes);
await writeFile(new URL("build/shared.wat", root), text);
await writeFile(new URL("build/private.wasm", root), bytes.with(flags, PRIVATE));
await writeFile(
  new URL("src/core/generated/core.ts", root),
  `// Made by scripts/build-core.js from assembly/.
export default ${textOf(bytes, mark)};
/** Stands before a byte of the text that is 128 more. */
export const ESCAPE = ${mark};
/** Where that byte stands in the core itself. */
export const ESCAPED = [${Array.from(bytes, (byte, at) => (byte === mark ? at : -1)).filter((at) => at >= 0)}];
/** The byte that says whether the memory is shared, and its value for one that is not. */
export const MEMORY_FLAGS = ${flags};
export const PRIVATE = ${PRIVATE};
`,
);
