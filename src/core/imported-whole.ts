/** The code of the whole core, for workerd. */
import wholeCore from "./whole.wasm";

/** For private memory: workerd needs no other. */
export function moduleFor(): WebAssembly.Module {
  return wholeCore;
}
