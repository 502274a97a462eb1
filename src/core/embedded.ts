/** The code of the core for sets of one participant, for every runtime that may compile bytes. */
import { compiling } from "./code.ts";
import core from "./generated/alone-core.ts";

/** Whether memory can be shared between threads here. Without isolation a page has no `SharedArrayBuffer`. */
export const canShare: boolean = typeof SharedArrayBuffer === "function";

export const moduleFor: (shared: boolean) => WebAssembly.Module = /* @__PURE__ */ compiling(core);
