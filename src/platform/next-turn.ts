/** A later turn of the event loop, in which messages that have arrived by now are already read. */
import { systemClock } from "./clock.ts";

const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Calls back in a later turn, without the delay that browsers give to timers. */
export function inNextTurn(callback: () => void): void {
  if (setImmediate) {
    setImmediate(callback);
    return;
  }
  if (typeof MessageChannel === "undefined") {
    systemClock.setTimeout(callback, 0);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(undefined);
}
