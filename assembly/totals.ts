/**
 * Totals: how the requests for each limit ended. What a grant or a settlement counts stands in the record of the limit, and is published
 * with the state. Of all other ends each participant keeps its own COUNTS, which nothing resets; a report has the sum of all.
 */
import * as kinds from "./kinds";
import {
  COUNT_WORDS,
  DEFINITION_BYTES,
  DEFINITIONS,
  GRANTED,
  LIMITS,
  PARTICIPANTS,
  RECORD_COUNTS,
  REFUSED,
  REFUSER,
  REPORT_AFTER,
  REPORT_WORDS,
  REPORTED_COUNTS,
  REPORTED_FULL,
  SCRATCH_BYTES,
  SCRATCHES,
  STATE,
  UNIT_BYTES,
  UNITS,
} from "./layout";
import { wait } from "./time";

/** Counts the refused request in the scratch area, at those of the limits from `first` until `end` that refuse it. */
export function countRefusal(region: usize, scratch: usize, first: i32, end: i32): void {
  const refuser = load<f64>(scratch + REFUSER);
  if (refuser >= 0) {
    add(countsOf(region, scratch, i32(refuser)) + REFUSED * UNIT_BYTES);
    return;
  }
  const limits = load<i32>(region + LIMITS);
  for (let i = first; i < end; i++) {
    if (load<f64>(scratch + UNITS + (limits + i) * UNIT_BYTES) > 0) {
      add(countsOf(region, scratch, i) + REFUSED * UNIT_BYTES);
    }
  }
}

/** Counts a request that has ended, as `word` of COUNTS, at the limits of which UNITS wants some. The calling thread has entered. */
export function countEnd(region: usize, scratch: usize, word: i32): void {
  const limits = load<i32>(region + LIMITS);
  for (let i = 0; i < limits; i++) {
    if (load<f64>(scratch + UNITS + i * UNIT_BYTES) > 0)
      add(countsOf(region, scratch, i) + word * UNIT_BYTES);
  }
}

/** Writes REPORT of each limit of a staged block. */
export function report(region: usize, scratch: usize, block: usize, reading: i64, now: i64): void {
  const limits = load<i32>(region + LIMITS);
  const first = region + load<i32>(region + SCRATCHES);
  const bytes = load<i32>(region + SCRATCH_BYTES);
  const end = first + load<i32>(region + PARTICIPANTS) * bytes;
  for (let i = 0; i < limits; i++) {
    const definition = region + DEFINITIONS + i * DEFINITION_BYTES;
    const record = block + load<i32>(definition + STATE);
    const into = scratch + UNITS + (REPORT_AFTER * limits + i * REPORT_WORDS) * UNIT_BYTES;
    for (let word = 0; word < RECORD_COUNTS; word++) {
      store<f64>(into + word * UNIT_BYTES, f64(load<i64>(record + GRANTED + word * UNIT_BYTES)));
    }
    for (let word = 0; word < COUNT_WORDS; word++) {
      let sum: i64 = 0;
      for (let each = first; each < end; each += bytes) {
        sum += load<i64>(countsOf(region, each, i) + word * UNIT_BYTES);
      }
      store<f64>(into + (REPORTED_COUNTS + word) * UNIT_BYTES, f64(sum));
    }
    const full = kinds.fullAt(definition, block, scratch, now);
    store<f64>(into + REPORTED_FULL * UNIT_BYTES, full === now ? 0 : wait(reading, full));
  }
}

/** The address of a participant's counts of limit `index`. */
function countsOf(region: usize, scratch: usize, index: i32): usize {
  const words = (REPORT_AFTER + REPORT_WORDS) * load<i32>(region + LIMITS) + index * COUNT_WORDS;
  return scratch + UNITS + words * UNIT_BYTES;
}

function add(total: usize): void {
  store<i64>(total, load<i64>(total) + 1);
}
