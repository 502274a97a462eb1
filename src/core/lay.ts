/** Lays out regions, and copies the state of one region into another. */
import { LATEST, LOG, STATE } from "../../assembly/layout.ts";
import type { Arena } from "./arena.ts";
import { type Address, presentBlock, wordOfDefinition } from "./block.ts";
import { type Definition, KINDS } from "./kinds.ts";
import type { CoreExports } from "./module.ts";

/** Where a region is in this isolate's arena, and its size. */
export interface Laid {
  readonly start: number;
  readonly bytes: number;
}

/** Makes a region for `participants` participants, with the state of a set that was never used. */
export function lay(arena: Arena, definitions: readonly Definition[], participants: number): Laid {
  const { core } = arena;
  const count = definitions.length;
  let states = 0;
  let logs = 0;
  const offsets = definitions.map(({ kind }) => {
    const offset = { state: states, log: logs };
    states += core.stateBytes(KINDS[kind], participants);
    logs += core.logBytes(KINDS[kind]);
    return offset;
  });
  const bytes = core.regionBytes(count, states, logs, participants);
  const start = arena.allocate(bytes);
  core.format(start, count, states, logs, participants);
  definitions.forEach((definition, index) => {
    const { kind, capacity, ceiling, windowMicros } = definition;
    const { state, log } = offsets[index]!;
    core.define(start, index, KINDS[kind], capacity, ceiling, windowMicros, state, log);
  });
  return { start, bytes };
}

/** Copies the state of a region of one participant into a new region of several, in which that participant is the first. */
export function copyState(
  core: CoreExports,
  definitions: readonly Definition[],
  from: Address,
  to: Address,
): void {
  const bytes = new Uint8Array(to.buffer);
  const source = presentBlock(from);
  const target = presentBlock(to);
  const copy = (at: number, length: number, old = at) =>
    bytes.copyWithin(target + at, source + old, source + old + length);
  copy(LATEST, 8);
  definitions.forEach(({ kind }, index) => {
    const place = (word: number) =>
      [wordOfDefinition(to, index, word), wordOfDefinition(from, index, word)] as const;
    const [state, oldState] = place(STATE);
    const [log, oldLog] = place(LOG);
    copy(state, core.stateBytes(KINDS[kind], 1), oldState);
    copy(log, core.logBytes(KINDS[kind]), oldLog);
  });
}
