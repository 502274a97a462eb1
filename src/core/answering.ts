/** The part of a region that tells more of the core's last answer, and of what a request would want. */
import { LET_PASS, REPORT_AFTER, REPORT_WORDS } from "../../assembly/layout.ts";
import { FIRST_UNIT } from "./front.ts";
import { exceedsAlone } from "./holdings.ts";
import { Residence } from "./residence.ts";

export abstract class Answering extends Residence {
  /** Of which dimensions the last request has met the shared state, one bit each. */
  get sharedTaken(): number {
    return this.partitions?.sharedTaken ?? 0;
  }

  /** Of which dimensions a name of the last request found no room, one bit each. */
  get metFull(): number {
    return this.partitions?.metFull ?? 0;
  }

  /** After `report`: a word of the report of limit `index`. */
  reportOf(index: number, word: number): number {
    return this.read(FIRST_UNIT + REPORT_AFTER * this.count + REPORT_WORDS * index + word);
  }

  /** A copy of the `units` of a request that was just granted, those below 0 that a limit has let pass. */
  markPassed(units: readonly number[]): number[] {
    return units.map((count, index) => (count > 0 && this.waitOf(index) === LET_PASS ? -count : count));
  }

  /** The demand that a waiter for `units` of limit `index` makes. */
  demandOf(index: number, units: number): number {
    // Where the set has been redefined, it does not matter any more.
    return this.inside(
      () => this.heap.core.demandOf(this.place.desk?.region ?? this.start, index, units),
      () => units,
    );
  }

  /** For how long limit `index` is paused for the last take or probe, at the reading `now`, in milliseconds: 0 if it is not. */
  pausedFor(index: number, now: number): number {
    const per = this.partitions?.start ?? 0;
    // Where the set has been redefined, it does not matter any more.
    const until = this.inside(
      () => this.heap.core.pausedUntil(per, this.start, index),
      () => 0,
    );
    return Math.max(0, (until - Math.floor(now * 1000 + 0.5) - this.shift) / 1000);
  }

  /** Whether limit `index` refused the last take or probe. */
  refuses(index: number): boolean {
    return this.waitOf(index) > 0;
  }

  /** The limit that alone refused the last take or probe; below 0 if several did. */
  get refuser(): number {
    return this.read(0);
  }

  /**
   * How long limit `index` refuses the last take or probe, or one unit after `inspect`, in milliseconds: 0 if it grants, LET_PASS if it
   * would refuse and lets pass.
   */
  waitOf(index: number): number {
    return this.read(FIRST_UNIT + this.count + index);
  }

  /** After `inspect`: the units of limit `index` in use. */
  usedOf(index: number): number {
    return this.read(FIRST_UNIT + index);
  }

  /** Whether the last request would be refused even if all other threads gave back what they hold. */
  hangsOnSelf(units: readonly number[]): boolean {
    const { place } = this;
    const { sharing, desk } = place;
    const held = (index: number) => sharing!.desks.held(this.start, this.scratch, this.life, index);
    return this.inside(
      () => exceedsAlone(this.address, units, sharing?.participant ?? 0, desk && held),
      () => false,
    );
  }

  /** A number of the core's last answer, which begins with REFUSER. */
  protected read(at: number): number {
    return this.front.f64[this.units - FIRST_UNIT + at]!;
  }
}
