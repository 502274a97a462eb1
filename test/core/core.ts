/** Calls the debug build of the core directly: an abort says which assertion failed, and where. */
import { readFileSync } from "node:fs";
import { instantiateSync } from "@assemblyscript/loader";
import { UNITS } from "../../assembly/layout.ts";
import type { WholeCore } from "../../src/core/whole.ts";

// The debug build has its messages below this address.
const REGION = 32_768;
/** An address behind any region of these tests. */
export const SEATS = 15 * 65_536;

export interface LimitRow {
  kind: number;
  capacity: number;
  ceiling?: number;
  /** Microseconds. */
  window?: number;
}

/** `transact` of all limits, unless a span is given. */
type Transact = (
  ...args: [
    ...Parameters<WholeCore["demandOf"]>,
    ms: number,
    action: number,
    since: number,
    first?: number,
    end?: number,
  ]
) => number;

export interface Core extends Omit<WholeCore, "transact"> {
  readonly transact: Transact;
  readonly region: number;
  /** Of participant 0. */
  readonly scratch: number;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  request(units: readonly number[]): void;
}

export function instantiateDebug(): { core: WholeCore; memory: WebAssembly.Memory } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  const bytes = readFileSync(new URL("../../build/debug.wasm", import.meta.url));
  const { exports } = instantiateSync<WholeCore & Record<string, unknown>>(bytes, { env: { memory } });
  return { core: exports, memory };
}

export function openCore(limits: readonly LimitRow[], participants = 1): Core {
  const { core, memory } = instantiateDebug();
  memory.grow(15);
  return layRegion({ core, memory }, REGION, limits, participants);
}

/** Lays out a region at `start`, where all is 0. */
export function layRegion(
  { core, memory }: ReturnType<typeof instantiateDebug>,
  start: number,
  limits: readonly LimitRow[],
  participants = 1,
): Core {
  let states = 0;
  let logs = 0;
  const offsets = limits.map(({ kind }) => {
    const offset = [states, logs] as const;
    states += core.stateBytes(kind, participants);
    logs += core.logBytes(kind);
    return offset;
  });
  core.format(start, limits.length, states, logs, participants, SEATS, start, 0);
  limits.forEach(({ kind, capacity, ceiling = capacity, window = 1_000_000 }, i) => {
    core.define(start, i, kind, capacity, ceiling, window, ...offsets[i]!, 0);
  });
  const f64 = new Float64Array(memory.buffer);
  const scratch = core.scratchOf(start, 0);
  return {
    ...core,
    transact: (region, participant, life, ms, action, since, first = 0, end = 0) =>
      core.transact(region, participant, life, ms, action, since, first, end),
    region: start,
    scratch,
    f64,
    i64: new BigInt64Array(memory.buffer),
    request: (units) => f64.set(units, (scratch + UNITS) / 8),
  };
}
