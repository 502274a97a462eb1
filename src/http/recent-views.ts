/** The views of those addresses that were seen last: most requests come from an address that has just sent another one. */
import type { AnyLimits } from "../exchange/set.ts";

// A view costs a microsecond, and some hundred bytes. An attack comes from more addresses than any number that is kept.
const MOST = 256;

export class RecentViews {
  private readonly set: AnyLimits;
  private recent = new Map<string, AnyLimits>();
  private before = new Map<string, AnyLimits>();

  constructor(set: AnyLimits) {
    this.set = set;
  }

  of(address: string): AnyLimits {
    let view = this.recent.get(address);
    if (view === undefined) {
      view = this.before.get(address) ?? this.set.for({ ip: address });
      if (this.recent.size >= MOST) {
        this.before = this.recent;
        this.recent = new Map();
      }
      this.recent.set(address, view);
    }
    return view;
  }
}
