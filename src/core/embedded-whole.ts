/** The code of the whole core, for every runtime that may compile bytes. */
import { compiling } from "./code.ts";
import core from "./generated/whole-core.ts";

export const moduleFor: (shared: boolean) => WebAssembly.Module = /* @__PURE__ */ compiling(core);
