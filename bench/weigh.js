/**
 * What takes memory, on the heap and of WebAssembly: that of the core is not on the heap. It replaces the constructor of memories: import
 * it before the library.
 */

/** @type {WebAssembly.Memory[]} All memories that have been made since. */
export const memories = [];
const RealMemory = WebAssembly.Memory;
WebAssembly.Memory = class extends RealMemory {
  constructor(/** @type {WebAssembly.MemoryDescriptor} */ descriptor) {
    super(descriptor);
    memories.push(this);
  }
};

const OS_PAGE = 4096;

/** The bytes of WebAssembly memory that are in use: of pages that have something in them. What is only reserved takes none. */
export function wasmBytes() {
  return memories.reduce((sum, { buffer }) => sum + usedBytes(new BigUint64Array(buffer)), 0);
}

/** @param {BigUint64Array} words */
function usedBytes(words) {
  const each = OS_PAGE / words.BYTES_PER_ELEMENT;
  let bytes = 0;
  for (let from = 0; from < words.length; from += each) {
    let at = from;
    while (at < from + each && words[at] === 0n) at++;
    if (at < from + each) bytes += OS_PAGE;
  }
  return bytes;
}

/** The bytes of the heap that are in use. */
export function heapBytes() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
