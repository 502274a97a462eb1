/** A worker that takes everything, and then waits for more. */
import { connectLimits } from "../../dist/port/index.js";

/** @type {unknown[]} */
const held = [];

/** @param {{ data: { port?: MessagePort | null } }} message */
async function begin({ data }) {
  if (data.port === undefined) return;
  const limits = connectLimits(data.port ?? /** @type {import("limitset/port").PortLike} */ (globalThis));
  const acquisition = await limits.acquire({ db: 2 });
  held.push(acquisition);
  limits.acquire({ db: 1 }).then((more) => held.push(more));
  globalThis.postMessage({ taken: acquisition.requested });
}

globalThis.addEventListener("message", begin);
