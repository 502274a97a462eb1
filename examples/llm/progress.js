import { refusals } from "./tally.js";

const TTY_EVERY_MS = 100;
const LOG_EVERY_MS = 3_000;

/**
 * Shows the progress of the run on stderr: on a terminal as one line that is rewritten, in a log as a line now and then.
 * @param {() => import("./tally.js").Tally} current
 * @param {number} total requests
 * @returns {() => void} stops it
 */
export function showProgress(current, total) {
  const { stderr } = process;
  const startedAt = performance.now();
  const draw = () => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const text = `${seconds.padStart(6)} s  ${describe(current(), total)}`;
    stderr.write(stderr.isTTY ? `\r\x1b[K${text.slice(0, (stderr.columns ?? 80) - 1)}` : `${text}\n`);
  };
  const timer = setInterval(draw, stderr.isTTY ? TTY_EVERY_MS : LOG_EVERY_MS);
  return () => {
    clearInterval(timer);
    if (stderr.isTTY) stderr.write("\r\x1b[K");
  };
}

/**
 * @param {import("./tally.js").Tally} tally
 * @param {number} total
 */
function describe(tally, total) {
  const refused = refusals(tally);
  const inProgress = tally.sent - tally.answered - refused;
  return [
    `${tally.answered}/${total} answered`,
    `${inProgress} in progress`,
    `${tally.due - tally.sent} waiting`,
    `${refused} x 429`,
  ].join("  ");
}
