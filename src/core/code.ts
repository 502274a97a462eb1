/** The code of a core as text in ASCII, one character a byte: it is part of the package's own text. */

/** As scripts/build-core.js writes it. */
export interface CoreText {
  readonly text: string;
  /** Stands before a byte of the text that is 128 more. */
  readonly escape: number;
  /** Where that byte stands in the core itself. */
  readonly escaped: readonly number[];
  /** Where the byte is that says whether the memory is shared. */
  readonly memoryFlags: number;
  /** Its value for a memory that is not. */
  readonly private: number;
}

/**
 * Compiles a core for shared or for private memory. The code is the same, since atomic instructions work on both. Each is compiled on
 * first use, and synchronously, so that a program has no initialisation to await.
 */
export function compiling(core: CoreText): (shared: boolean) => WebAssembly.Module {
  const modules: { private?: WebAssembly.Module; shared?: WebAssembly.Module } = {};
  return (shared) => {
    const build = shared ? "shared" : "private";
    modules[build] ??= new WebAssembly.Module(bytesOf(core, shared));
    return modules[build];
  };
}

function bytesOf(core: CoreText, shared: boolean): Uint8Array<ArrayBuffer> {
  const bytes = decode(core);
  if (!shared) bytes[core.memoryFlags] = core.private;
  return bytes;
}

/** The bytes of a core. Native functions read the text: to go through it character by character takes as long as all the rest of a start. */
function decode({ text, escape: mark, escaped }: CoreText): Uint8Array<ArrayBuffer> {
  const bytes = encode(text);
  let at = bytes.indexOf(mark);
  let end = at < 0 ? bytes.length : at;
  while (at >= 0) {
    bytes[end++] = bytes[at + 1]! + 128;
    const next = bytes.indexOf(mark, at + 2);
    const rest = next < 0 ? bytes.length : next;
    bytes.copyWithin(end, at + 2, rest);
    end += rest - at - 2;
    at = next;
  }
  for (const place of escaped) bytes[place] = mark;
  return bytes.subarray(0, end);
}

/** The codes of a text in ASCII. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  // Test environments for pages have none.
  if (typeof TextEncoder === "function") return new TextEncoder().encode(text);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
