/**
 * Looks ahead at windows: when a request could pass behind others that wait. Windows fill up request by request, and a request is never
 * split over two of them: so the sum of what the others want does not tell.
 */
import {
  CALENDAR,
  CEILING,
  COUNT,
  ENTRY_AMOUNT,
  ENTRY_BYTES,
  ENTRY_TIME,
  FIRST,
  FIXED_WINDOW,
  KIND,
  LATEST,
  LOG,
  MAX_ENTRIES,
  PAUSED,
  REGION,
  STATE,
  USED_IN_WINDOW,
  WINDOW,
  WINDOW_END,
} from "../../assembly/layout.ts";
import { type Address, blockOf, definitionAt, headOf, wordOfDefinition } from "./block.ts";

/** A grant in a sliding window: its time in microseconds, and its units. */
type Grant = readonly [time: number, units: number];

/**
 * The microsecond at which window `index` could grant `units` if those before it take `before` first, in order, each as soon as it can.
 * At `now` the core has refused it for `wait`, both in microseconds of the set's time. NaN if another thread changes the state meanwhile.
 */
export function momentInLine(
  region: Address,
  index: number,
  before: Iterable<number>,
  units: number,
  now: number,
  wait: number,
): number {
  const kind = wordOfDefinition(region, index, KIND);
  const view = new DataView(region.buffer);
  const long = (at: number) => Number(view.getBigInt64(at, true));
  const head = headOf(region);
  const block = blockOf(head);
  // The set may have been redefined.
  if (block >= view.byteLength || view.getInt32(block + REGION, true) >>> 0 !== region.start)
    return Number.NaN;
  const definition = definitionAt(region, index);
  const [capacity, window] = [long(definition + CEILING), long(definition + WINDOW)];
  const state = block + wordOfDefinition(region, index, STATE);
  const latest = Math.max(now, long(block + LATEST));
  // Nothing passes before the end of a pause.
  const time = Math.max(latest, long(state + PAUSED));
  const ready = now + wait;
  if (time > latest && ready === time) return ready;
  let moment: number;
  if (kind === FIXED_WINDOW) {
    const used = long(state + WINDOW_END) > time ? long(state + USED_IN_WINDOW) : 0;
    const windows = inFixedWindows(Math.min(used, capacity), before, units, capacity);
    // The core's own answer is the end of some window: it tells where the others end.
    const end = ready - Math.floor((ready - time - 1) / window) * window;
    moment = end + (windows - 1) * window;
  } else if (kind === CALENDAR) {
    const end = long(state + WINDOW_END);
    // The core has turned to the present window in a copy only.
    if (end <= time) return Number.NaN;
    const windows = inFixedWindows(Math.min(long(state + USED_IN_WINDOW), capacity), before, units, capacity);
    moment = end + (windows - 1) * window;
  } else {
    const log = block + wordOfDefinition(region, index, LOG);
    const first = view.getInt32(state + FIRST, true) & (MAX_ENTRIES - 1);
    const count = Math.min(view.getInt32(state + COUNT, true), MAX_ENTRIES - first);
    const grants: Grant[] = [];
    for (let i = first; i < first + count; i++) {
      const entry = log + i * ENTRY_BYTES;
      grants.push([long(entry + ENTRY_TIME), long(entry + ENTRY_AMOUNT)]);
    }
    moment = inSlidingWindow(grants, before, units, capacity, window, time);
  }
  return headOf(region) === head ? moment : Number.NaN;
}

/** How many windows later than the present one, of which so much is used. */
export function inFixedWindows(
  used: number,
  before: Iterable<number>,
  units: number,
  capacity: number,
): number {
  let windows = 0;
  let sum = used;
  const fill = (wanted: number) => {
    if (sum + wanted > capacity) {
      windows++;
      sum = 0;
    }
    sum += wanted;
  };
  for (const wanted of before) fill(wanted);
  fill(units);
  return windows;
}

/** The microsecond at which the request could pass. */
export function inSlidingWindow(
  grants: Grant[],
  before: Iterable<number>,
  units: number,
  capacity: number,
  window: number,
  now: number,
): number {
  let time = now;
  let sum = grants.reduce((total, [, granted]) => total + granted, 0);
  let oldest = 0;
  const pass = (wanted: number) => {
    while (oldest < grants.length) {
      const [at, granted] = grants[oldest]!;
      if (sum + wanted <= capacity && at + window > time) break;
      time = Math.max(time, at + window);
      sum -= granted;
      oldest++;
    }
    grants.push([time, wanted]);
    sum += wanted;
  };
  for (const wanted of before) pass(wanted);
  pass(units);
  return time;
}
