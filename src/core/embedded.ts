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
  const bytes = Uint8Array.from(atob(core), (character) => character.charCodeAt(0));
  if (!shared) bytes[MEMORY_FLAGS] = PRIVATE;
  return bytes;
}
