/** The core's code for every runtime that may compile bytes: it is part of the package's own text. */
import core, { MEMORY_FLAGS, PRIVATE } from "./generated/core.ts";

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

/** Base64 in the quickest way that the runtime has: `Uint8Array.from(text, toByte)` takes as long as all the rest of a start. */
function decode(base64: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as { fromBase64?(text: string): Uint8Array<ArrayBuffer> };
  if (fromBase64) return fromBase64.call(Uint8Array, base64);
  const { Buffer } = globalThis as { Buffer?: { from(text: string, as: "base64"): Uint8Array<ArrayBuffer> } };
  if (Buffer) return Buffer.from(base64, "base64");
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
