import { LimitSet, RateLimit } from "limitset";
import { HOUR_MS, PLENTY } from "../sets.js";

const LIMITS = [1, 2, 4, 8, 16, 32, 64];
const SETS = [1, 10, 100, 1000, 10_000];

/** @param {number} count */
const named = (count) => `limits in a set, all asked: ${count}`;
/** @param {number} count */
const among = (count) => `limits in a set, 1 asked: ${count}`;
/** @param {number} count */
const sets = (count) => `sets of 1 limit, in turn: ${count.toLocaleString("en")}`;

/** @returns {import("../measure.js").Section} */
export function growth() {
  const limits = (/** @type {(count: number) => string} */ name) => ({ "x one": name(1) });
  return {
    title: "Cost as work grows",
    work: "take 1 of every limit of a set, or of one only; or of many sets, one after another",
    columns: ["x one"],
    cases: [
      ...LIMITS.map((count) => ({ name: named(count), run: takeAll(count), against: limits(named) })),
      ...LIMITS.map((count) => ({ name: among(count), run: takeOne(count), against: limits(among) })),
      ...SETS.map((count) => ({ name: sets(count), run: takeInTurn(count), against: limits(sets) })),
    ],
  };
}

/** @param {number} count */
function setOf(count) {
  const keys = Array.from({ length: count }, (_, i) => `limit${i}`);
  const limits = keys.map((key) => new RateLimit({ key, capacity: PLENTY, windowMs: HOUR_MS }));
  return { keys, set: new LimitSet({ limits }) };
}

/** @param {number} count */
function takeAll(count) {
  const { keys, set } = setOf(count);
  return taking(set, Object.fromEntries(keys.map((key) => [key, 1])));
}

/** Takes of the last limit, which is found last. @param {number} count */
function takeOne(count) {
  const { keys, set } = setOf(count);
  return taking(set, { [keys.at(-1) ?? ""]: 1 });
}

/** @param {LimitSet<string>} set @param {Record<string, number>} request */
function taking(set, request) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (set.tryAcquire(request).successful) done++;
    return done;
  };
}

/** @param {number} count */
function takeInTurn(count) {
  const all = Array.from({ length: count }, () => setOf(1).set);
  let turn = 0;
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      if (all[turn]?.tryAcquire({ limit0: 1 }).successful) done++;
      turn = turn + 1 === count ? 0 : turn + 1;
    }
    return done;
  };
}
