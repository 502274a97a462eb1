/** A short delay before a batch is sent: code that releases one acquisition often asks for the next a few promises later. */

const HOPS = 4;

/** Calls back in this turn of the event loop, after the promises that are about to settle. */
export function soon(callback: () => void, hops = HOPS): void {
  queueMicrotask(hops === 1 ? callback : () => soon(callback, hops - 1));
}
