/**
 * One request as a trace records it.
 * @typedef {object} Request
 * @property {number} at milliseconds after the first request
 * @property {number} inputTokens
 * @property {number} outputTokens what the model will generate; the client learns it from the answer
 */

const MEAN_GAP_MS = 181;
const MAX_INPUT = 14_050;
const MAX_OUTPUT = 1_000;

/**
 * Traffic shaped like an hour of a public chat service: arrivals in bursts, prompts log-normal with a mean near
 * 1,155 tokens, answers either short (about 100) or long (about 400) with a mean near 211.
 * @param {number} count
 * @param {number} seed the same seed gives the same traffic
 * @returns {Request[]}
 */
export function generateTraffic(count, seed) {
  const random = randomSource(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  /** @type {Request[]} */
  const requests = [];
  let at = 0;
  let load = 0;
  for (let i = 0; i < count; i++) {
    requests.push({
      at,
      inputTokens: within(2, Math.exp(6.6 + 0.95 * normal()), MAX_INPUT),
      outputTokens: within(
        7,
        random() < 0.64 ? Math.exp(4.6 + 0.5 * normal()) : 395 + 80 * normal(),
        MAX_OUTPUT,
      ),
    });
    // The logarithm of the load drifts and returns to 0, so that busy times last longer than single requests.
    load = 0.98 * load + 0.06 * normal();
    at += (-Math.log(1 - random()) * MEAN_GAP_MS) / Math.exp(load);
  }
  return requests;
}

/**
 * The same requests arriving within a shorter or longer time.
 * @param {readonly Request[]} requests in order of arrival
 * @param {number} durationMs from the first to the last
 * @returns {Request[]}
 */
export function compress(requests, durationMs) {
  const length = requests.at(-1)?.at ?? 0;
  const factor = length > 0 ? durationMs / length : 0;
  return requests.map((request) => ({ ...request, at: request.at * factor }));
}

/**
 * At least `count` requests: a shorter list is repeated in full, one round after the other.
 * @param {readonly Request[]} requests in order of arrival, not empty
 * @param {number} count
 * @returns {Request[]}
 */
export function repeat(requests, count) {
  const length = requests.at(-1)?.at ?? 0;
  const round = length + (length / (requests.length - 1) || MEAN_GAP_MS);
  const rounds = Math.ceil(count / requests.length);
  return Array.from({ length: Math.max(1, rounds) }, (_, i) =>
    requests.map((request) => ({ ...request, at: request.at + i * round })),
  ).flat();
}

/**
 * @param {number} min
 * @param {number} value
 * @param {number} max
 */
const within = (min, value, max) => Math.round(Math.min(max, Math.max(min, value)));

/**
 * Mulberry32, a small generator of 32 bits of state; uniform in [0, 1).
 * @param {number} seed
 */
function randomSource(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
