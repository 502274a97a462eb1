/** First steps with the package, and then thousands of recorded decisions: the same file in every runtime. */
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import { shareLimits } from "limitset/threads";
import { replay } from "./replay.js";

const WINDOW_MS = 200;

const limits = new LimitSet({
  limits: [
    new CallLimit({ capacity: 1, windowMs: WINDOW_MS }),
    new ResourceLimit({ key: "db", capacity: 2 }),
  ],
});
// At the top of a module, where nothing has been awaited.
const atOnce = [limits.tryAcquire({ db: 2 }), limits.tryAcquire()];

/** @typedef {{ navigator?: { userAgent?: string }, Deno?: { version: { deno: string } }, Bun?: { version: string }, process?: { versions?: { node?: string } } }} Global */

/** Which runtime this is, by a feature that only it has. */
function where() {
  const { Deno, Bun, navigator, process } = /** @type {Global} */ (globalThis);
  if (Deno) return `Deno ${Deno.version.deno}`;
  if (Bun) return `Bun ${Bun.version}`;
  if (navigator?.userAgent === "Cloudflare-Workers") return "workerd";
  if (process?.versions?.node) return `Node ${process.versions.node}`;
  const agent = navigator?.userAgent ?? "";
  if (agent.includes("Firefox/")) return `Firefox ${agent.split("Firefox/")[1]}`;
  if (agent.includes("Chrome/")) return `Chromium ${agent.split("Chrome/")[1]}`;
  return agent.includes("AppleWebKit/") ? `WebKit ${agent.split("AppleWebKit/")[1]}` : agent;
}

/** @param {string} recorded */
export async function packaged(recorded) {
  for (const acquisition of atOnce) acquisition.release();
  // Time may have passed.
  for (let tried = limits.tryAcquire(); tried.successful; tried = limits.tryAcquire()) tried.release();
  const waited = limits.acquire();
  const waiting = limits.waiting;
  const acquisition = await waited;
  const { db, call_count } = limits.stats();
  acquisition.release();
  // Compiled `using` calls this, also where the platform has no such symbol.
  const dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");
  /** @type {Record<symbol, () => void>} */ (/** @type {unknown} */ (limits.tryAcquire({ call_count: 0 })))[
    dispose
  ]?.();
  const answers = [await replay(recorded, false), await replay(recorded, true)];
  return {
    where: where(),
    atOnce: atOnce.map(({ successful }) => successful),
    waiting,
    requested: acquisition.requested,
    used: [db.used, call_count.used, limits.stats().db.used],
    share: shared(),
    answers,
  };
}

/** The outcome of `shareLimits` here. */
function shared() {
  try {
    return typeof shareLimits(limits);
  } catch (error) {
    const { code, message } = /** @type {import("limitset").LimitError} */ (error);
    return `${code} ${message}`;
  }
}
