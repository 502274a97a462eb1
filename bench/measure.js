/**
 * Times every case in many short rounds, each round in a new order, so that a slow spell of the machine affects all cases
 * alike. A ratio is taken within each round, between neighbours; the result is the spread of these ratios.
 */

/**
 * @typedef {object} Case
 * @property {string} name unique within its section
 * @property {(n: number) => number | Promise<number>} run does the work n times; returns how many times it came out as meant
 * @property {Record<string, string>} [against] by column of the table, the name of the case that is 1.00 there
 * @property {number} [step] `run` is called with multiples of this only
 * @property {number} [slack] how many times of a run may come out otherwise
 * @property {(ns: number) => string} [note] the text beside the measured time of an operation
 * @property {boolean} [hidden] whether the case is measured for the ratios of others only, and not printed
 *
 * @typedef {object} Section
 * @property {string} title
 * @property {string} work what one operation is, in a line
 * @property {string[]} columns
 * @property {Case[]} cases
 *
 * @typedef {{ low: number, median: number, high: number }} Spread quartiles
 * @typedef {Map<Case, number[]>} Times nanoseconds per operation, by round
 * @typedef {{ rounds: number, roundMs: number, warmMs: number, progress?: (done: number, all: number) => void }} Options
 */

const WARM_TURNS = 3;

/** @param {Section[]} sections @param {Options} options @returns {Promise<Times>} */
export async function measure(sections, { rounds, roundMs, warmMs, progress }) {
  const cases = sections.flatMap((section) => section.cases);
  // In turns: the engine compiles a case that is warmed alone for the shapes of that case, and discards the code for the next.
  for (let turn = 0; turn < WARM_TURNS; turn++) {
    for (const each of shuffled(cases)) await spin(each, warmMs / WARM_TURNS);
  }
  /** @type {Map<Case, number>} */
  const iterations = new Map();
  for (const each of cases) {
    const ns = await spin(each, warmMs / WARM_TURNS);
    iterations.set(each, whole((roundMs * 1e6) / ns, each.step));
  }
  globalThis.gc?.();

  /** @type {Times} */
  const times = new Map(cases.map((each) => [each, []]));
  for (let round = 0; round < rounds; round++) {
    for (const section of shuffled(sections)) {
      for (const each of shuffled(section.cases)) {
        times.get(each)?.push(await time(each, iterations.get(each) ?? each.step ?? 1));
      }
    }
    progress?.(round + 1, rounds);
  }
  return times;
}

/**
 * @param {Times} times @param {Case} measured @param {Case} base
 * @returns {Spread} how many times as long `measured` takes as `base`
 */
export function ratio(times, measured, base) {
  return ratioByRound(times.get(measured) ?? [], times.get(base) ?? []);
}

/** @param {readonly number[]} measured @param {readonly number[]} base */
export function ratioByRound(measured, base) {
  return spread(measured.map((ns, round) => ns / (base[round] ?? Number.NaN)));
}

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

/** @param {number[]} sorted @param {number} share */
function quantile(sorted, share) {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Runs the case for about `ms` milliseconds; returns nanoseconds per operation. @param {Case} each @param {number} ms */
async function spin(each, ms) {
  let ns = Number.NaN;
  let n = each.step ?? 1;
  for (const end = performance.now() + ms; ; ) {
    ns = await time(each, n);
    const left = (end - performance.now()) * 1e6;
    if (left <= 0) return ns;
    n = whole(Math.min(n * 4, left / ns), each.step);
  }
}

/** @param {number} n @param {number} [step] */
function whole(n, step = 1) {
  return step * Math.max(1, Math.round(n / step));
}

/** @param {Case} each @param {number} n @returns {Promise<number>} nanoseconds per operation */
async function time(each, n) {
  // Each case pays for its own garbage only. A minor collection is enough; a full one may discard compiled code.
  globalThis.gc?.({ type: "minor" });
  const start = performance.now();
  const running = each.run(n);
  const done = typeof running === "number" ? running : await running;
  const ms = performance.now() - start;
  if (done > n || done < n - (each.slack ?? 0)) {
    throw new Error(
      `${each.name}: ${done} of ${n} operations came out as meant; the case measures something else`,
    );
  }
  return (ms * 1e6) / n;
}

/** @template T @param {readonly T[]} list @returns {T[]} */
function shuffled(list) {
  const keyed = list.map((value) => ({ value, at: Math.random() }));
  return keyed.sort((a, b) => a.at - b.at).map(({ value }) => value);
}
