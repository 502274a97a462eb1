/** Load balancing: which member of a pool gets the next call. */

/**
 * Which object gets the next call: `"round-robin"` takes them in turns, `"least-active"` takes the one with the fewest calls
 * under way, `"random"` takes any.
 */
export type LoadBalancing = "round-robin" | "least-active" | "random";

export interface Candidate {
  readonly active: number;
}

/** Picks the index of a candidate. `turn` counts the calls, from 0. */
type Pick = (candidates: readonly Candidate[], turn: number) => number;

export const BALANCES: Readonly<Record<LoadBalancing, Pick>> = {
  "round-robin": ({ length }, turn) => turn % length,
  // The search starts one candidate further each time, so that equals take turns.
  "least-active": (candidates, turn) => {
    const { length } = candidates;
    let least = turn % length;
    for (let i = 1; i < length; i++) {
      const index = (turn + i) % length;
      if (candidates[index]!.active < candidates[least]!.active) least = index;
    }
    return least;
  },
  random: ({ length }) => Math.floor(Math.random() * length),
};
