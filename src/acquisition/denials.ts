/** Denials: the parts that refusals share, made once where most refusals are alike. */
import type { Region } from "../core/region.ts";
import { AcquireTimeoutError } from "../errors.ts";
import type { Waiters } from "../waiting/gate.ts";
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
    this.alone = keys.map((key) => this.by(Object.freeze([key])));
    this.only = keys.length === 1 ? this.alone[0] : undefined;
  }

  /** The denial of the request that the core refused last. */
  last(region: Region): Denial<K> {
    return this.only ?? this.ofSeveral(region);
  }

  /** The denial of a try behind waiters: by the limits that refused the last probe, and by those that the waiters want too. */
  behind(waiters: Waiters, units: readonly number[], region: Region): Denial<K> {
    return this.by(
      this.keys.filter((_, i) => region.refuses(i) || (units[i]! > 0 && waiters.waitingFor(i) > 0)),
    );
  }

  /** The error for a request that was not granted in time. It probes, so as to name the limits that refuse now. */
  timeout(region: Region, units: readonly number[], now: number, timeoutMs: number): AcquireTimeoutError {
    region.probe(units, now);
    return new AcquireTimeoutError(timeoutMs, this.refusers(region));
  }

  private by(limitedBy: readonly K[]): Denial<K> {
    return { config: this.config, limitedBy };
  }

  /** The limits that refused the last request. */
  private refusers(region: Region): K[] {
    return this.keys.filter((_, i) => region.refuses(i));
  }

  private ofSeveral(region: Region): Denial<K> {
    const refuser = region.refuser;
    return refuser >= 0 ? this.alone[refuser]! : this.by(this.refusers(region));
  }
}
