// Attaches, takes all and says so, in one turn: nothing else has happened in this thread by then.
import { attachLimits } from "../../dist/threads/index.js";

globalThis.onmessage = (/** @type {{ data: any }} */ { data }) => {
  const limits = attachLimits(data);
  const held = limits.tryAcquire({ db: 2 });
  Object.assign(globalThis, { held });
  globalThis.postMessage(held.successful);
};
