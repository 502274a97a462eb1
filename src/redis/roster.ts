/** The partitions that one batch names, each with a number by which its operations speak of them. */
import type { Place } from "./place.ts";
import { SLOT, type Slots } from "./slots.ts";

/** Stands for the tier that a partition has. */
const PRESENT_TIER = "*";

export class Roster {
  /** The tiers, by the digests of the names. */
  readonly #tiers = new Map<string, string>();
  readonly #numbers = new Map<string, number>();
  /** An operation concerns all partitions. */
  #isForAll = false;

  /** Takes in the partitions of a place. Returns false if one is there under another tier: it has one tier in a batch. */
  admit(place: Place | undefined): boolean {
    if (!place) return true;
    for (const digest of place.digests) {
      const tier = this.#tiers.get(digest) ?? PRESENT_TIER;
      if (tier !== PRESENT_TIER && tier !== place.tier) return false;
    }
    for (const digest of place.digests) this.#enter(digest, place.tier);
    return true;
  }

  /** Takes in the partitions of a place, under the tier that each has then. */
  admitPresent(place: Place | undefined): void {
    for (const digest of place?.digests ?? []) this.#admitOne(digest);
  }

  admitAll(): void {
    this.#isForAll = true;
  }

  /** By how much the index of a limit is higher in a partition. */
  slotOf(digest: string | undefined): number {
    if (digest === undefined) return 0;
    this.#admitOne(digest);
    return this.#numbers.get(digest)! * SLOT;
  }

  slotsOf(place: Place | undefined): Slots {
    return place?.wards.map((digest) => this.slotOf(digest));
  }

  /** The partitions as the script reads them; empty if the batch has nothing to do with any. */
  get text(): string {
    if (this.#tiers.size === 0 && !this.#isForAll) return "";
    return `@${[...this.#tiers].map(([digest, tier]) => `${digest} ${tier}`).join("\n")}`;
  }

  #admitOne(digest: string): void {
    if (!this.#tiers.has(digest)) this.#enter(digest, PRESENT_TIER);
  }

  #enter(digest: string, tier: string): void {
    if (!this.#numbers.has(digest)) this.#numbers.set(digest, this.#numbers.size + 1);
    this.#tiers.set(digest, tier);
  }
}
