/** The core over a memory. Where its code comes from is the one difference between runtimes. */
import { CoreBlockedError } from "../errors.ts";
// In the build for workerd this is imported.ts: see tsup.config.ts.
import { moduleFor } from "./embedded.ts";

export { canShare } from "./embedded.ts";

/** What `assembly/index.ts` exports. */
export interface CoreExports {
  stateBytes(kind: number, participants: number): number;
  logBytes(kind: number): number;
  regionBytes(limits: number, states: number, logs: number, participants: number): number;
  format(region: number, limits: number, states: number, logs: number, participants: number): void;
  define(
    region: number,
    index: number,
    kind: number,
    capacity: number,
    ceiling: number,
    window: number,
    state: number,
    log: number,
  ): void;
  scratchOf(region: number, participant: number): number;
  transact(region: number, scratch: number, life: number, ms: number, action: number, since: number): number;
  leave(region: number, scratch: number, participant: number, life: number, since: number): void;
}

/** Runs the core over `memory`. */
export function instantiate(memory: WebAssembly.Memory, shared: boolean): CoreExports {
  // A plain copy: engines look names up slowly in the exports object itself.
  return { ...(open(memory, shared).exports as unknown as CoreExports) };
}

function open(memory: WebAssembly.Memory, shared: boolean): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(moduleFor(shared), { env: { memory } });
  } catch (error) {
    // Nothing is wrong with the code: a page's policy is against it, or workerd was given the wrong build. Most engines
    // refuse to compile, WebKit to instantiate.
    throw new CoreBlockedError(error);
  }
}
