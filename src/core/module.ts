/** The core over a memory. Where its code comes from is the one difference between runtimes. */
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
  const { exports } = new WebAssembly.Instance(moduleFor(shared), { env: { memory } });
  // A plain copy: engines look names up slowly in the exports object itself.
  return { ...(exports as unknown as CoreExports) };
}
