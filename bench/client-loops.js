/** Loops over limiters by client. Engines optimise a function for what it has been called with, so each limiter gets a copy of its own. */

/** @typedef {import("./peers/clients.js").Ask} Ask */
/** @typedef {{ tryAcquire(): { readonly successful: boolean } }} View */

let copies = 0;

/** @returns {Promise<typeof import("./client-loops.js")>} */
export function freshClientLoops() {
  return import(`${import.meta.url}?copy=${++copies}`);
}

export const nameOf = (/** @type {number} */ i) => `client ${i}`;

/** Those from one number to another, in order. @param {Ask} ask @param {number} from @param {number} to */
export async function takeEach(ask, from, to) {
  let passed = 0;
  for (let i = from; i < to; i++) {
    const answer = ask(nameOf(i));
    if (typeof answer === "boolean" ? answer : await answer) passed++;
  }
  return passed;
}

let turn = 0;
/** A step through all that meets each once, far from the one before. */
const STEP = 7919;

/** @param {Ask} ask @param {number} size @param {number} n */
export async function takeKnown(ask, size, n) {
  let passed = 0;
  for (let i = 0; i < n; i++) {
    turn = (turn + STEP) % size;
    const answer = ask(nameOf(turn));
    if (typeof answer === "boolean" ? answer : await answer) passed++;
  }
  return passed;
}

/** @param {readonly View[]} views @param {number} n */
export function takeOfViews(views, n) {
  let passed = 0;
  for (let i = 0; i < n; i++) {
    turn = (turn + STEP) % views.length;
    if (views[turn]?.tryAcquire().successful) passed++;
  }
  return passed;
}
