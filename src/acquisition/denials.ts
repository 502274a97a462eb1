/** Denials: the parts that refusals share, made once where most refusals are alike. */
import type { Region } from "../core/region.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Denial } from "./acquisition.ts";

export class Denials<K extends string> {
  private readonly keys: readonly K[];
  private readonly config: Readonly<Record<string, unknown>>;
  /** For each limit, the denial by that limit alone: most denials are of this kind. */
  private readonly alone: readonly Denial<K>[];
  /** The only denial that a set of one limit has. */
  private readonly only: Denial<K> | undefined;

  constructor(keys: readonly K[], config: Readonly<Record<string, unknown>>) {
    this.keys = keys;
    this.config = config;
    this.alone = keys.map((key) => this.ofKeys(Object.freeze([key])));
    this.only = keys.length === 1 ? this.alone[0] : undefined;
  }

  /** The denial of the request for `units`, which the core refused last. */
  last(region: Region, units: readonly number[]): Denial<K> {
    return this.only ?? this.ofSeveral(region, units);
  }

  /** The denial by one limit. */
  by(index: number): Denial<K> {
    return this.alone[index]!;
  }

  /** The denial of a try behind waiters. */
  behind({ limitedBy }: Outlook): Denial<K> {
    return limitedBy.length === 1 ? this.alone[limitedBy[0]!]! : this.ofKeys(this.named(limitedBy));
  }

  /** Limits by their keys. */
  named(limits: readonly number[]): K[] {
    return limits.map((index) => this.keys[index]!);
  }

  private ofKeys(limitedBy: readonly K[]): Denial<K> {
    return { config: this.config, limitedBy };
  }

  /** The limits that refused the last request. */
  private refusers(region: Region, units: readonly number[]): K[] {
    return this.keys.filter((_, i) => units[i]! > 0 && region.refuses(i));
  }

  private ofSeveral(region: Region, units: readonly number[]): Denial<K> {
    const refuser = region.refuser;
    return refuser >= 0 ? this.alone[refuser]! : this.ofKeys(this.refusers(region, units));
  }
}
