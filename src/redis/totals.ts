/** How the requests of this client have ended, for each limit; and the units that came back, or were charged without a grant. */
import type { Totals as Told } from "../limits/stats.ts";
import type { Outlook } from "../waiting/gate.ts";

type Counts = { -readonly [C in Exclude<keyof Told, "fullInMs">]: Told[C] };

export class Totals {
  #counts: Counts[];

  constructor(limits: number) {
    this.#counts = Array.from({ length: limits }, nothing);
  }

  /** The set has other limits: those that go on are `heirs` of earlier ones. */
  renew(heirs: readonly { readonly from: number; readonly ratio: number }[]): void {
    const before = this.#counts;
    this.#counts = heirs.map(({ from, ratio }) => {
      const counts = before[from];
      if (!counts) return nothing();
      const [refunded, charged] = [counts.refunded, counts.charged].map((units) => Math.floor(units * ratio));
      return { ...counts, refunded: refunded!, charged: charged! };
    });
  }

  of(index: number): Readonly<Counts> {
    return this.#counts[index]!;
  }

  /** Units are below 0 where a shadow has let them pass. */
  granted(units: readonly number[]): void {
    units.forEach((count, i) => {
      if (count !== 0) this.#counts[i]!.granted++;
      if (count < 0) this.#counts[i]!.wouldRefuse++;
    });
  }

  refused({ limitedBy }: Outlook): void {
    for (const index of limitedBy) this.#counts[index]!.refused++;
  }

  ended(units: readonly number[], how: "timedOut" | "aborted"): void {
    units.forEach((count, i) => {
      if (count > 0) this.#counts[i]![how]++;
    });
  }

  moved(index: number, units: number, how: "refunded" | "charged"): void {
    const counts = this.#counts[index]!;
    counts[how] = Math.min(counts[how] + units, Number.MAX_SAFE_INTEGER);
  }
}

function nothing(): Counts {
  return { granted: 0, refused: 0, timedOut: 0, aborted: 0, refunded: 0, charged: 0, wouldRefuse: 0 };
}
