/** The views of those addresses that were seen last: most requests come from an address that has just sent another one. */
import type { AnyLimits } from "../exchange/set.ts";
import type { Addresses } from "./client-address.ts";

// A view costs a microsecond, and some hundred bytes. An attack comes from more addresses than any number that is kept.
const MOST = 256;

/** The longest text that is kept: an address with its port. A header may have thousands of bytes. */
const LONGEST = 64;

export class RecentViews {
  private readonly set: AnyLimits;
  private readonly addresses: Addresses;
  /** By texts as they were read. An address that is written in two ways has two views of one partition. */
  private recent = new Map<string, AnyLimits>();
  private before = new Map<string, AnyLimits>();

  constructor(set: AnyLimits, addresses: Addresses) {
    this.set = set;
    this.addresses = addresses;
  }

  /** The view of an address, by its text, which was read last. */
  of(text: string | null | undefined): AnyLimits {
    return this.recent.get(text!) ?? this.find(text);
  }

  private find(text: string | null | undefined): AnyLimits {
    const view = this.before.get(text!) ?? this.set.for({ ip: this.addresses.canonical(text) });
    if (typeof text !== "string" || text.length > LONGEST) return view;
    if (this.recent.size >= MOST) {
      this.before = this.recent;
      this.recent = new Map();
    }
    this.recent.set(text, view);
    return view;
  }
}
