/**
 * The code of the core for sets of one participant, for workerd, which may not compile bytes: a module that the runtime compiles before
 * the program starts.
 */
import aloneCore from "./alone.wasm";

/** workerd has `SharedArrayBuffer` and no threads. */
export const canShare = false;

/** For private memory: workerd needs no other. */
export function moduleFor(): WebAssembly.Module {
  return aloneCore;
}
