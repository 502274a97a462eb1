/**
 * When a request could pass whose tier is another than that under which its partition has been used. To take, the state is turned into one of
 * the request's tier at that moment. Until then what is used goes back as under the tier that the partition has: so the wait goes by that.
 */
import { ASK } from "../ask";
import { demandAt } from "../demand";
import { present, readHead } from "../head";
import * as kinds from "../kinds";
import {
  ACTION,
  AFTER,
  CEILING,
  FIXED_WINDOW,
  GCRA,
  INSPECT,
  KIND,
  LATEST,
  LEAKY_BUCKET,
  LIMITS,
  STATE,
  UNIT_BYTES,
  UNITS,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
} from "../layout";
import { NEVER, wait } from "../time";
import {
  NODE,
  NODE_TIER,
  NOT_NAMED,
  PART_BYTES,
  PART_COUNT,
  PART_STATE,
  STATUS,
  TABLE_BYTES,
  TABLES,
  TIER,
} from "./layout";
import { indexOf } from "./packing";
import { NODE_PAUSED, partsOf } from "./states";
import { tablesEnd } from "./table";

/** Returns the `answer` to a request, and corrects its waits, if it is a refusal. `reading` is that of the clock. */
export function sooner(
  per: usize,
  region: usize,
  scratch: usize,
  answer: f64,
  reading: i64,
  action: i32,
  from: i32,
  to: i32,
): f64 {
  if (!(answer < 0 && (answer > ASK || answer === -Infinity))) return answer;
  let isOther = false;
  for (let table = load<usize>(per + TABLES), end = tablesEnd(per); table < end; table += TABLE_BYTES) {
    if (load<i32>(table + STATUS) === NOT_NAMED) continue;
    const node = load<usize>(table + NODE);
    if (node === 0) continue;
    const tier = i32(load<u16>(node + NODE_TIER)) - 1;
    if (tier === load<i32>(table + TIER)) continue;
    isOther = true;
    correct(table, node, tier, region, scratch, reading, action);
  }
  if (!isOther) return answer;
  const count = load<i32>(region + LIMITS);
  const waits = scratch + UNITS + count * UNIT_BYTES;
  let longest: f64 = 0;
  for (let i = from, end = to === 0 ? count : to; i < end; i++) {
    longest = max(longest, load<f64>(waits + i * UNIT_BYTES));
  }
  return -longest;
}

/** Corrects the waits of the limits of a table that refuse. */
function correct(
  table: usize,
  node: usize,
  tier: i32,
  region: usize,
  scratch: usize,
  reading: i64,
  action: i32,
): void {
  const now = max(reading, load<i64>(present(readHead(region)) + LATEST));
  const row = load<i32>(region + LIMITS) * UNIT_BYTES;
  const bytes = load<i32>(table + PART_COUNT) * PART_BYTES;
  const parts = partsOf(table, load<i32>(table + TIER));
  const oldParts = partsOf(table, tier);
  for (let at = 0; at < bytes; at += PART_BYTES) {
    const old = oldParts + at;
    const units = scratch + UNITS + indexOf(old) * UNIT_BYTES;
    const kind = load<i32>(old + KIND);
    const isShaper = kind === LEAKY_BUCKET || kind === WIDE_LEAKY_BUCKET;
    // The entries of a sliding window are not in one piece, and the others go by nothing that differs by tier.
    if (!isShaper && kind > GCRA && kind !== FIXED_WINDOW && kind !== WIDE_BUCKET) continue;
    if (load<f64>(units + row) <= 0) continue;
    const state = node + load<i32>(old + PART_STATE);
    const paused = max(now, load<i64>(state + NODE_PAUSED));
    if (paused === NEVER) continue;
    const amount = (action & ACTION) === INSPECT ? 1 : i64(load<f64>(units));
    const demand = (action & AFTER) !== 0 ? demandAt(units + 2 * row) : 0;
    // More than under its own tier has to be back. A leaky bucket has to be empty under both.
    const others = load<i64>(old + CEILING) - load<i64>(parts + at + CEILING) + amount + demand - 1;
    const block = state - load<i32>(old + STATE);
    const ready = max(paused, kinds.readyAt(old, block, scratch, paused, isShaper ? demand : max(0, others)));
    if (ready > now) store<f64>(units + row, wait(reading, ready));
  }
}
