/** What has been granted of partitions, name by name, as the test itself has counted it. */
import type { Acquisition } from "limitset";
import { expect } from "vitest";

/** A grant of a set on a server, which is a lease. */
type Leased = Acquisition<string> & { readonly signal?: AbortSignal };

export class Ledger {
  readonly #tokens: number;
  readonly #slots: number;
  readonly #granted = new Map<string, number>();
  readonly #held = new Map<string, Set<Leased>>();
  /** How often the server may have forgotten what it had granted, plus 1. */
  lives = 1;
  /** How many grants there were. */
  grants = 0;

  /** Each name may have so many tokens for good, and so many slots at once. */
  constructor(tokens: number, slots: number) {
    this.#tokens = tokens;
    this.#slots = slots;
  }

  /** Counts a grant. It throws if that is one too many. */
  take(name: string, acquisition: Leased): void {
    const { tokens = 0 } = acquisition.requested as { tokens?: number };
    this.grants++;
    this.#granted.set(name, this.grantedTo(name) + tokens);
    expect(this.grantedTo(name), `tokens of ${name}`).toBeLessThanOrEqual(this.#tokens * this.lives);
    const held = this.#held.get(name) ?? new Set();
    this.#held.set(name, held.add(acquisition));
    // Where a lease has ended, the server has given the slots to others.
    const kept = [...held].filter(({ signal }) => !signal?.aborted);
    expect(kept.length, `slots of ${name}`).toBeLessThanOrEqual(this.#slots * this.lives);
  }

  giveBack(name: string, acquisition: Leased): void {
    this.#held.get(name)?.delete(acquisition);
    acquisition.release();
  }

  grantedTo(name: string): number {
    return this.#granted.get(name) ?? 0;
  }
}
