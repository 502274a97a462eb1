/** The core's code for workerd, which may not compile bytes: a module that the runtime compiles before the program starts. */
import privateCore from "./private.wasm";

/** workerd has `SharedArrayBuffer` and no threads. */
export const canShare = false;

/** The core for private memory: workerd needs no other. */
export function moduleFor(): WebAssembly.Module {
  return privateCore;
}
