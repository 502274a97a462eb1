// Whoever gives something back often asks for the next a few promises later.
const HOPS = 4;

/** Calls back in this turn, when the promises that are about to settle have settled. */
export function soon(callback: () => void, hops = HOPS): void {
  queueMicrotask(hops === 1 ? callback : () => soon(callback, hops - 1));
}
