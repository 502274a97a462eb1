/** Requests of a set with partitions: a request takes of a partition only where a view has named it. */
import { InvalidRequestError, show } from "../errors.ts";
import type { Amounts } from "./amounts.ts";
import { isEverywhere } from "./known-options.ts";
import type { Limit } from "./limits.ts";
import { metricOf } from "./metrics.ts";
import { Requests } from "./requests.ts";

/** What a view says of the dimension of a limit. */
export type Standing = "named" | "left out" | "missing";

export class NamedRequests<M extends string, K extends string = M> extends Requests<M, K> {
  /** For each limit, what the view says of its dimension. Limits that have one state for all count as named. */
  readonly standings: readonly Standing[];
  private readonly limits: readonly Limit<K, M>[];
  /** The indexes of the limits that are not named. */
  private readonly unnamed: readonly number[];
  /** The metrics of which every limit is left out. */
  private readonly idle: readonly string[];

  constructor(limits: readonly Limit<K, M>[], standings: readonly Standing[]) {
    const isLeftOut = (i: number) => standings[i] === "left out";
    super(
      limits,
      limits.map((_, i) => isLeftOut(i)),
    );
    this.limits = limits;
    this.standings = standings;
    this.unnamed = limits.flatMap((_, i) => (standings[i] === "named" ? [] : [i]));
    this.idle = this.names.filter((name) =>
      limits.every((limit, i) => metricOf(limit) !== name || isLeftOut(i)),
    );
  }

  override parse(requested: Amounts<M> | undefined): readonly number[] {
    const units = super.parse(requested);
    if (this.unnamed.length === 0) return units;
    return this.unnamed.some((index) => units[index]! > 0) ? this.withoutUnnamed(units) : units;
  }

  override parseUsage(
    usage: Amounts<M>,
    taken: readonly number[],
    reported: readonly number[] | undefined,
  ): number[] {
    const { idle } = this;
    if (idle.length === 0 || typeof usage !== "object" || usage === null) {
      return super.parseUsage(usage, taken, reported);
    }
    // Nothing was taken of these, so that there is nothing to report.
    const rest: Record<string, unknown> = Object.create(Object.getPrototypeOf(usage));
    for (const name in usage) {
      if (idle.includes(name) || isEverywhere(usage, name)) continue;
      Object.defineProperty(rest, name, {
        value: (usage as Readonly<Record<string, unknown>>)[name],
        enumerable: true,
      });
    }
    return super.parseUsage(rest as Amounts<M>, taken, reported);
  }

  /** See `chargeable` below. */
  chargeable(units: readonly number[]): readonly number[] {
    return this.withoutUnnamed(units);
  }

  /** See `checkChange` below. */
  checkChange(units: readonly number[], isForAll: boolean): void {
    for (const index of this.unnamed) {
      if (units[index]! < 0) continue;
      const { key, per } = this.limits[index]!;
      if (this.standings[index] === "left out") {
        throw new InvalidRequestError(
          `the limit ${show(key)} is per ${show(per)}, which this view leaves out`,
        );
      }
      if (!isForAll) throw missing(this.limits[index]!);
    }
  }

  private withoutUnnamed(parsed: readonly number[]): readonly number[] {
    const units = [...parsed];
    for (const index of this.unnamed) {
      if (units[index]! > 0 && this.standings[index] === "missing") throw missing(this.limits[index]!);
      units[index] = 0;
    }
    return units;
  }
}

function missing({ key, per }: Limit): InvalidRequestError {
  const how = `for({ ${show(per)}: "..." }) names one, and null leaves the limit out`;
  return new InvalidRequestError(`the limit ${show(key)} is per ${show(per)}, and none is named: ${how}`);
}

/** The requests of a set with these limits. */
export function requestsOf<M extends string, K extends string = M>(
  limits: readonly Limit<K, M>[],
): Requests<M, K> {
  const standings = limits.map(({ per }): Standing => (per === undefined ? "named" : "missing"));
  return standings.includes("missing") ? new NamedRequests(limits, standings) : new Requests(limits);
}

/** Whether requests are those of a view, which names partitions or leaves some out. */
export function isOfView(requests: Requests<string>, limits: readonly Limit[]): boolean {
  if (!(requests instanceof NamedRequests)) return false;
  return limits.some(({ per }, i) => per !== undefined && requests.standings[i] !== "missing");
}

/**
 * The units of a charge without those of limits that a view leaves out.
 *
 * @throws {InvalidRequestError} for a limit whose dimension is not named.
 */
export function chargeable(requests: Requests<string>, units: readonly number[]): readonly number[] {
  return requests instanceof NamedRequests ? requests.chargeable(units) : units;
}

/**
 * Refuses a change of limits that a view leaves out; and of limits whose dimension is not named, unless it `isForAll` partitions. It
 * changes those whose `units` are not below 0.
 *
 * @throws {InvalidRequestError}
 */
export function checkChange(requests: Requests<string>, units: readonly number[], isForAll: boolean): void {
  if (requests instanceof NamedRequests) requests.checkChange(units, isForAll);
}
