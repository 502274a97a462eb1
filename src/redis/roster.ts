/** The partitions that one batch names, each with a number by which its operations speak of them. */
import type { Place } from "./place.ts";
import { SLOT, type Slots } from "./slots.ts";

/** Stands before a tier that counts only where the partition is as never used: otherwise it has the tier that it has. */
const PRESENT = "*";

interface Entry {
  readonly number: number;
  /** As the script reads it; empty for none. */
  readonly tier: string;
  /** Whether the partition turns to the tier. */
  readonly turns: boolean;
}

export class Roster {
  /** By the digests of the names. */
  readonly #entries = new Map<string, Entry>();
  /** An operation concerns all partitions. */
  #isForAll = false;

  /**
   * Takes in the partitions of a place. Returns false if one is there under another tier: it has one tier in a batch. With `keepsTier`
   * each keeps the tier that it has then.
   */
  admit(place: Place | undefined, keepsTier = false): boolean {
    if (!place) return true;
    const { digests, tier } = place;
    for (const digest of keepsTier ? [] : digests) {
      const entry = this.#entries.get(digest);
      if (entry?.turns && entry.tier !== tier) return false;
    }
    for (const digest of digests) {
      const entry = this.#entries.get(digest);
      if (!entry || (!keepsTier && !entry.turns)) this.#enter(digest, tier, !keepsTier);
    }
    return true;
  }

  admitAll(): void {
    this.#isForAll = true;
  }

  /** By how much the index of a limit is higher in a partition. */
  slotOf(digest: string | undefined): number {
    if (digest === undefined) return 0;
    const entry = this.#entries.get(digest) ?? this.#enter(digest, "", false);
    return entry.number * SLOT;
  }

  slotsOf(place: Place | undefined): Slots {
    return place?.wards.map((digest) => this.slotOf(digest));
  }

  /** The partitions as the script reads them; empty if the batch has nothing to do with any. */
  get text(): string {
    if (this.#entries.size === 0 && !this.#isForAll) return "";
    const lines = [...this.#entries].map(
      ([digest, { tier, turns }]) => `${digest} ${turns ? "" : PRESENT}${tier}`,
    );
    return `@${lines.join("\n")}`;
  }

  #enter(digest: string, tier: string, turns: boolean): Entry {
    const number = this.#entries.get(digest)?.number ?? this.#entries.size + 1;
    const entry = { number, tier, turns };
    this.#entries.set(digest, entry);
    return entry;
  }
}
