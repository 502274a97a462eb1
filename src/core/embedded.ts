/** The core's code for every runtime that may compile bytes: it is part of the package's own text. */
import core, { ESCAPE, ESCAPED, MEMORY_FLAGS, PRIVATE } from "./generated/core.ts";

/** Whether memory can be shared between threads here. Without isolation a page has no `SharedArrayBuffer`. */
export const canShare: boolean = typeof SharedArrayBuffer === "function";

const modules: { private?: WebAssembly.Module; shared?: WebAssembly.Module } = {};

/**
 * The core for shared or for private memory. The code is the same, since atomic instructions work on both. It is compiled
 * on first use, and synchronously, so that a program has no initialisation to await.
 */
export function moduleFor(shared: boolean): WebAssembly.Module {
  const build = shared ? "shared" : "private";
  modules[build] ??= new WebAssembly.Module(bytesFor(shared));
  return modules[build];
}

function bytesFor(shared: boolean): Uint8Array<ArrayBuffer> {
  const bytes = decode(core);
  if (!shared) bytes[MEMORY_FLAGS] = PRIVATE;
  return bytes;
}

/** The bytes of the core. Native functions read the text: to go through it character by character takes as long as all the rest of a start. */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = encode(text);
  let at = bytes.indexOf(ESCAPE);
  let end = at < 0 ? bytes.length : at;
  while (at >= 0) {
    bytes[end++] = bytes[at + 1]! + 128;
    const next = bytes.indexOf(ESCAPE, at + 2);
    const rest = next < 0 ? bytes.length : next;
    bytes.copyWithin(end, at + 2, rest);
    end += rest - at - 2;
    at = next;
  }
  for (const place of ESCAPED) bytes[place] = ESCAPE;
  return bytes.subarray(0, end);
}

/** The codes of a text in ASCII. */
function encode(text: string): Uint8Array<ArrayBuffer> {
  // Test environments for pages have none.
  if (typeof TextEncoder === "function") return new TextEncoder().encode(text);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
