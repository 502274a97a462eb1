/**
 * Loops over sets of one to eight limits. Each loop writes its request out, as a program would. Engines optimise a function
 * for the objects that it has been called with, so `freshLoops` gives each kind of set a copy of its own.
 */

/**
 * @typedef {{ readonly successful: boolean, update(usage: Record<string, number>): void, release(): void }} Taken
 * @typedef {{ tryAcquire(requested?: Record<string, number>): Taken }} Set an object that is called as a LimitSet is
 */

let copies = 0;

/** @returns {Promise<typeof import("./loops.js")>} */
export function freshLoops() {
  return import(`${import.meta.url}?copy=${++copies}`);
}

/** @param {Set} limits */
export function takeOne(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire({ input: 1 }).successful) done++;
    return done;
  };
}

/** @param {Set} limits */
export function takeTwo(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) if (limits.tryAcquire({ input: 1, output: 1 }).successful) done++;
    return done;
  };
}

/** @param {Set} limits */
export function takeFour(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      if (limits.tryAcquire({ input: 1, output: 1, cached: 1, bytes: 1 }).successful) done++;
    }
    return done;
  };
}

/** @param {Set} limits */
export function takeEight(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({
        input: 1,
        output: 1,
        cached: 1,
        bytes: 1,
        cents: 1,
        images: 1,
        pages: 1,
        rows: 1,
      });
      if (acq.successful) done++;
    }
    return done;
  };
}

/** @param {Set} limits */
export function useOne(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7 });
      acq.release();
    }
    return done;
  };
}

/** @param {Set} limits */
export function useTwoRates(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7, output: 7 });
      acq.release();
    }
    return done;
  };
}

/** @param {Set} limits */
export function useFiveRates(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10, cached: 10, bytes: 10, cents: 10 });
      if (acq.successful) done++;
      acq.update({ input: 7, output: 7, cached: 7, bytes: 7, cents: 7 });
      acq.release();
    }
    return done;
  };
}

/** Takes and releases without a report of usage: the set charges requests in full. @param {Set} limits */
export function releaseTwoRates(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire({ input: 10, output: 10 });
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}

/** Takes automatic amounts, and releases. @param {Set} limits */
export function releaseUnasked(limits) {
  return (/** @type {number} */ n) => {
    let done = 0;
    for (let i = 0; i < n; i++) {
      const acq = limits.tryAcquire();
      if (acq.successful) done++;
      acq.release();
    }
    return done;
  };
}
