/** The core's code where bytes may not be compiled (workerd): a module that the runtime has compiled before it starts. */
import privateCore from "./private.wasm";

/** workerd has `SharedArrayBuffer` and no threads. */
export const canShare = false;

/** Always that for private memory. */
export function moduleFor(): WebAssembly.Module {
  return privateCore;
}
