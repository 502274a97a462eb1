/** Which of a pool's members gets the next call. */

/** In turns, whoever has the fewest calls under way, or at random. */
export type LoadBalancing = "round-robin" | "least-active" | "random";

export interface Candidate {
  readonly active: number;
}

/** Picks an index. `turn` counts the calls, from 0. */
type Pick = (candidates: readonly Candidate[], turn: number) => number;

export const BALANCES: Readonly<Record<LoadBalancing, Pick>> = {
  "round-robin": ({ length }, turn) => turn % length,
  // From another one on each time, so that equals take turns.
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
