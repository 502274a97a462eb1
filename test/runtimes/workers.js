/** Workers in each mode: the same file runs in Deno, Bun and browsers. Returns what it saw, for the test to compare. */
import { LimitSet, RateLimit, ResourceLimit } from "../../dist/index.js";
import { Gang, Tired } from "./gang.js";

const HOUR_MS = 3_600_000;

/** @param {Promise<unknown>} call @returns {Promise<any>} */
const failureOf = (call) =>
  call.then(
    () => undefined,
    (error) => error,
  );

/** @typedef {"sum" | "kept" | "stumbled" | "forgot" | "aborted" | "tired" | "fallen" | "replaced" | "stopped"} Seen */

/** @param {"sync" | "async" | "thread" | "process"} mode */
async function inMode(mode) {
  const limits = new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: 2 }),
      new RateLimit({ key: "tokens", capacity: 100, windowMs: HOUR_MS, algorithm: "sliding-window" }),
    ],
  });
  const gang = Gang.options({ mode, limits, numRetries: 3, retryWaitMs: 1, retryOn: Tired }).init();
  /** @type {Partial<Record<Seen, unknown>>} */
  const seen = {};
  const used = () => limits.stats().db.used;

  seen.sum = await gang.add(2, 3);
  seen.kept = [await gang.keep({ db: 2 }), used()];
  seen.stumbled = [await gang.stumble(2), used()];
  seen.forgot = [(await failureOf(gang.forget())).code, used()];
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  seen.aborted = await gang.until(20_000, { signal: controller.signal });
  const other = Gang.options({ mode, limits }).init();
  const tired = await failureOf(other.stumble(1));
  seen.tired = [tired instanceof Tired, tired.hours, tired.message, used()];
  if (mode === "thread" || mode === "process") {
    const { code } = await failureOf(other.fall());
    const again = await limits.acquire({ db: 2 }, { timeoutMs: 20_000 });
    seen.fallen = [code, again.requested];
    again.release();
    seen.replaced = await other.add(1, 2);
  }
  await Promise.all([gang.stop(), other.stop()]);
  seen.stopped = (await failureOf(gang.add(1, 2))).code;
  return seen;
}

/** @param {boolean} hasProcesses */
export async function workers(hasProcesses) {
  return {
    sync: await inMode("sync"),
    async: await inMode("async"),
    thread: await inMode("thread"),
    ...(hasProcesses && { process: await inMode("process") }),
    selfish: await (await import("./selfish.js")).seen,
  };
}
