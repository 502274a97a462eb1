/** A task of a pool: its thread attaches once, when the file is loaded. */
import { threadId } from "node:worker_threads";
import { attachLimits } from "limitset/threads";
import { workerData } from "piscina";

/** @type {import("limitset").LimitSet<"tokens" | "connections">} */
const limits = attachLimits(workerData);

/** @param {{ tokens: number, timeoutMs?: number, keep?: boolean }} order */
export default async function task({ tokens, timeoutMs, keep = false }) {
  const acquisition = await limits.acquire({ tokens }, { timeoutMs });
  await new Promise((resolve) => setTimeout(resolve, 10));
  acquisition.update({ tokens });
  if (keep) Object.assign(globalThis, { [`held by ${threadId}`]: acquisition });
  else acquisition.release();
  return { tokens: acquisition.requested.tokens, thread: threadId };
}
