/** Runs a core on a memory. */
import { CoreBlockedError } from "../errors.ts";

// The build for workerd has imported.ts in its place: see scripts/build.js.
export { canShare } from "./embedded.ts";

/** The exports of `assembly/alone.ts`. */
export interface CoreExports {
  stateBytes(kind: number, participants: number): number;
  logBytes(kind: number): number;
  regionBytes(
    limits: number,
    states: number,
    logs: number,
    participants: number,
    dimensions?: number,
  ): number;
  format(
    region: number,
    limits: number,
    states: number,
    logs: number,
    participants: number,
    seats: number,
    home: number,
    number: number,
    dimensions?: number,
  ): void;
  define(
    region: number,
    index: number,
    kind: number,
    capacity: number,
    ceiling: number,
    window: number,
    state: number,
    log: number,
    flags: number,
  ): void;
  scratchOf(region: number, participant: number): number;
  /** With 0 for `first` and `end`, of all limits. */
  transact(
    region: number,
    scratch: number,
    life: number,
    ms: number,
    action: number,
    since: number,
    first: number,
    end: number,
  ): number;
  change(region: number, scratch: number, life: number, ms: number, action: number): number;
  transactPer(per: number, ...transaction: Parameters<CoreExports["transact"]>): number;
  takeKnown(
    per: number,
    region: number,
    scratch: number,
    ms: number,
    action: number,
    first: number,
    end: number,
    node: number,
    third: number,
    fourth: number,
  ): number;
  changePer(per: number, ...change: Parameters<CoreExports["change"]>): number;
  movePer(per: number, region: number, scratch: number): void;
  waitPer(per: number, region: number, scratch: number, dimension: number, isWaitedFor: boolean): void;
  hashName(per: number, units: number, flags: number): void;
  nodeBytes(kind: number, room: number): number;
  enlist(part: number, region: number, index: number, at: number, room: number): void;
  beginPassing(per: number, region: number, scratch: number): void;
  passSome(per: number, region: number, scratch: number, count: number): void;
  wipe(per: number): void;
  countEnd(region: number, scratch: number, word: number): void;
  correct(region: number, scratch: number, life: number, ms: number, shift: number, ahead: number): number;
  demandOf(region: number, index: number, units: number): number;
  pausedUntil(per: number, region: number, index: number): number;
  inherit(
    from: number,
    source: number,
    index: number,
    to: number,
    target: number,
    into: number,
    scratch: number,
    now: number,
    mode: number,
    ratio: number,
  ): void;
  redefine(region: number, scratch: number, life: number, next: number, ms: number, mode: number): number;
}

/**
 * Makes a memory for the core.
 *
 * @throws {CoreBlockedError} if the platform has no WebAssembly, or no memory for it.
 */
export function createMemory(initial: number, maximum: number, shared: boolean): WebAssembly.Memory {
  if (typeof WebAssembly === "undefined")
    throw new CoreBlockedError("there is no WebAssembly; start without --jitless");
  try {
    return new WebAssembly.Memory({ initial, maximum, shared });
  } catch (error) {
    throw new CoreBlockedError(
      "no memory for WebAssembly; raise ulimit -v, or start with --disable-wasm-trap-handler",
      error,
    );
  }
}

/** Returns the functions of a core on `memory`. `moduleOf` compiles it. */
export function instantiate<C extends CoreExports>(
  memory: WebAssembly.Memory,
  moduleOf: () => WebAssembly.Module,
): C {
  // A plain copy, since engines are slow to look up names in the exports object itself.
  return { ...(open(memory, moduleOf).exports as unknown as C) };
}

function open(memory: WebAssembly.Memory, moduleOf: () => WebAssembly.Module): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(moduleOf(), { env: { memory } });
  } catch (error) {
    // The code is sound: either a page's policy forbids it, or workerd was given the wrong build. Most engines refuse to
    // compile; WebKit refuses to instantiate.
    throw new CoreBlockedError(
      `wasm may not be compiled; on a page, allow script-src 'wasm-unsafe-eval' in the Content-Security-Policy; for workerd, bundle with the condition "workerd"`,
      error,
    );
  }
}
