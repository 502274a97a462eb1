/**
 * The work of one client so far. It is plain data, so that a client on a thread or in a process can send it.
 * @typedef {object} Tally
 * @property {number} due requests that have arrived
 * @property {number} sent
 * @property {number} answered
 * @property {Record<string, number>} refused 429s by the limit that the API named
 * @property {number} onTheWay those of these requests that were sent before the client could hear that the limits had changed
 * @property {number} inputTokens used
 * @property {number} outputTokens used
 * @property {number} reservedTokens output tokens taken in advance
 * @property {number[]} waits milliseconds from arrival to being sent
 * @property {number} lastSentAt milliseconds since the Unix epoch
 */

/** @returns {Tally} */
export const newTally = () => ({
  due: 0,
  sent: 0,
  answered: 0,
  refused: {},
  onTheWay: 0,
  inputTokens: 0,
  outputTokens: 0,
  reservedTokens: 0,
  waits: [],
  lastSentAt: 0,
});

/**
 * @param {readonly Tally[]} tallies of several clients
 * @returns {Tally}
 */
export function sumOf(tallies) {
  const total = newTally();
  for (const tally of tallies) {
    total.due += tally.due;
    total.sent += tally.sent;
    total.answered += tally.answered;
    for (const [limit, count] of Object.entries(tally.refused)) {
      total.refused[limit] = (total.refused[limit] ?? 0) + count;
    }
    total.onTheWay += tally.onTheWay;
    total.inputTokens += tally.inputTokens;
    total.outputTokens += tally.outputTokens;
    total.reservedTokens += tally.reservedTokens;
    total.waits = total.waits.concat(tally.waits);
    total.lastSentAt = Math.max(total.lastSentAt, tally.lastSentAt);
  }
  return total;
}

/** @param {Tally} tally */
export const refusals = (tally) => Object.values(tally.refused).reduce((total, count) => total + count, 0);

/** The time that clients on several threads and processes agree on: milliseconds since the Unix epoch. */
export const epochMs = () => performance.timeOrigin + performance.now();
