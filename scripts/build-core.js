// Compiles the core, alone (for sets of one participant) and whole. A release build is written as a module that holds its bytes: one
// file then works wherever JavaScript runs, with no path to resolve and nothing to fetch. All builds are in build/.
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
  "kinds/take",
  "algorithms/debt/owed<i64>",
  "algorithms/debt/readyAt<i64>",
  "algorithms/resource/held",
  "algorithms/token-bucket/take<i64>",
  "refund/lowerMarks<i64>",
  "refund/lowered<i64>",
  "refund/mark<i64>",
  "refund/markCount<i64>",
  "refund/markGrant<i64>",
  "request/ask",
  "partitions/bucket/copyOlder",
  "partitions/bucket/copyWords",
  "partitions/bucket/isBucket",
  "partitions/bucket/packBucket",
  "partitions/bucket/unpackBucket",
  "partitions/items/chunkAt",
  "partitions/known/takeKnown",
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

/** @param {string} target @param {string} entry */
async function compile(target, entry) {
  const { error, stderr } = await asc.main([entry, "--config", "asconfig.json", "--target", target]);
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

/** Writes the module that holds a build. @param {string} name @param {Uint8Array} bytes */
async function writeModule(name, bytes) {
  const mark = rarestIn(bytes);
  await writeFile(
    new URL(`src/core/generated/${name}-core.ts`, root),
    `// Made by scripts/build-core.js from assembly/.
import type { CoreText } from "../code.ts";

const core: CoreText = {
  text: ${textOf(bytes, mark)},
  escape: ${mark},
  escaped: [${Array.from(bytes, (byte, at) => (byte === mark ? at : -1)).filter((at) => at >= 0)}],
  memoryFlags: ${memoryFlagsOf(bytes)},
  private: ${PRIVATE},
};
export default core;
`,
  );
}

await mkdir(new URL("src/core/generated/", root), { recursive: true });
await compile("debug", "assembly/index.ts");
for (const [name, entry] of Object.entries({ alone: "assembly/alone.ts", whole: "assembly/index.ts" })) {
  await compile(name, entry);
  const { bytes, text } = inline(await readFile(new URL(`build/${name}.wasm`, root)));
  await writeFile(new URL(`build/${name}.wasm`, root), bytes);
  await writeFile(new URL(`build/${name}.wat`, root), text);
  await writeFile(new URL(`build/${name}-private.wasm`, root), bytes.with(memoryFlagsOf(bytes), PRIVATE));
  await writeModule(name, bytes);
}
