// Attaches, takes everything and reports it, all in this thread's first turn.
import { attachLimits } from "../../dist/threads/index.js";

globalThis.onmessage = (/** @type {{ data: any }} */ { data }) => {
  const limits = attachLimits(data);
  const held = limits.tryAcquire({ db: 2 });
  Object.assign(globalThis, { held });
  globalThis.postMessage(held.successful);
};
