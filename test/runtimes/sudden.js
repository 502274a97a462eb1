/** Terminates workers as soon as they have taken something. */
import { LimitSet, ResourceLimit } from "../../dist/index.js";
import { shareLimits } from "../../dist/threads/index.js";

async function once() {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 2 })] });
  const worker = new Worker(new URL("./sudden-thread.js", import.meta.url), { type: "module" });
  const taken = new Promise((resolve) => {
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
  });
  shareLimits(limits, worker);
  const seen = [await taken];
  const acquisition = await limits.acquire({ db: 2 }, { timeoutMs: 25_000 });
  seen.push(acquisition.successful);
  acquisition.release();
  limits.close();
  return seen;
}

/** @param {number} count */
export const sudden = (count) => Promise.all(Array.from({ length: count }, once));
