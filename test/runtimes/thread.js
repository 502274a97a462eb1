/** A worker that attaches to the handle that it is sent, and then runs the commands of the test, one after another. */
import { attachLimits } from "../../dist/threads/index.js";

/** @type {import("limitset").LimitSet<string>} */
let limits;
/** @type {import("limitset").Acquisition[]} */
const held = [];

/** @param {import("limitset").Acquisition} acquisition */
function keep(acquisition) {
  if (acquisition.successful) held.push(acquisition);
  return acquisition.requested;
}

function release() {
  for (const acquisition of held.splice(0)) acquisition.release();
}

/** @type {Record<string, (...args: any[]) => unknown>} */
const commands = {
  about: () => ({ keys: limits.keys, config: limits.config }),
  take: (requested) => keep(limits.tryAcquire(requested)),
  acquire: async (requested) => keep(await limits.acquire(requested)),
  acquireSync: (requested) => keep(limits.acquireSync(requested, { timeoutMs: 10_000 })),
  queue: (requested) => void limits.acquire(requested).catch(() => {}),
  used: () => limits.get("db").stats().used,
  release,
  releaseLater: (ms) => void setTimeout(release, ms),
  /** Acquires until nothing is left. */
  rush: (requested) => {
    let granted = 0;
    while (limits.tryAcquire(requested).successful) granted++;
    return granted;
  },
};

globalThis.onmessage = async (/** @type {{ data: any }} */ { data }) => {
  if (!limits) {
    limits = attachLimits(data);
    return;
  }
  const { id, command, args } = data;
  try {
    globalThis.postMessage({ id, result: await commands[command]?.(...args) });
  } catch (error) {
    globalThis.postMessage({ id, error: String(error) });
  }
};
