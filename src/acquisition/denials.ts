/** What the refusals of a set say, made once where most refusals are alike. */
import type { Region } from "../core/region.ts";
import type { Denial } from "./acquisition.ts";

export class Denials<K extends string> {
  private readonly keys: readonly K[];
  private readonly config: Readonly<Record<string, unknown>>;
  /** For each limit, the denial by it alone: most are. */
  private readonly alone: readonly Denial<K>[];
  /** The denial of a set of one limit: there is no other. */
  private readonly only: Denial<K> | undefined;

  constructor(keys: readonly K[], config: Readonly<Record<string, unknown>>) {
    this.keys = keys;
    this.config = config;
    this.alone = keys.map((key) => this.by(Object.freeze([key])));
    this.only = keys.length === 1 ? this.alone[0] : undefined;
  }

  /** The denial of the request that the core refused last. */
  last(region: Region): Denial<K> {
    return this.only ?? this.ofSeveral(region);
  }

  by(limitedBy: readonly K[]): Denial<K> {
    return { config: this.config, limitedBy };
  }

  /** The limits that refused the last request. */
  limitedBy(region: Region): K[] {
    return this.keys.filter((_, i) => region.refuses(i));
  }

  private ofSeveral(region: Region): Denial<K> {
    const refuser = region.refuser;
    return refuser >= 0 ? this.alone[refuser]! : this.by(this.limitedBy(region));
  }
}
