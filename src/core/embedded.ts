/** The core's code as every runtime can have it that compiles bytes: part of the package's own text. */
import privateCore from "./generated/private.ts";
import sharedCore from "./generated/shared.ts";

/** Whether memory can be shared between threads here. Without isolation a page has no `SharedArrayBuffer`. */
export const canShare: boolean = typeof SharedArrayBuffer === "function";

const modules: { private?: WebAssembly.Module; shared?: WebAssembly.Module } = {};

/** The build for shared memory, or for private. Compiled on first use, synchronously: nobody awaits an initialisation. */
export function moduleFor(shared: boolean): WebAssembly.Module {
  const build = shared ? "shared" : "private";
  modules[build] ??= new WebAssembly.Module(decode(shared ? sharedCore : privateCore));
  return modules[build];
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
