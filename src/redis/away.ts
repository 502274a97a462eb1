/** Requests while the server cannot be reached. */
import { Grant } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Acquisition, Prospect } from "../contract.ts";
import { BackendUnavailableError, InvalidLimitError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { unitOf } from "../limits/definition.ts";
import { explicit } from "../limits/era.ts";
import type { Limit, LimitLike } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import { toAmount, toUnits } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import { type RedisAcquisition, type Session, unleased } from "./session.ts";

/**
 * - `"reject"`: requests reject with `BackendUnavailableError`, tries too.
 * - `"allow"`: requests are granted, and nothing is counted.
 * - `"local"`: requests are taken from limits of this process, a share of those on the server.
 */
export type WhenAway = "reject" | "allow" | "local";

export interface AwayOptions<K extends string> {
  readonly whenAway: WhenAway;
  readonly localShare?: number | undefined;
  readonly limits: readonly Limit<K>[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly clock: Clock;
}

/** Stands in for the server. */
export interface StandIn<K extends string> {
  acquire(
    units: readonly number[],
    options: AcquireOptions | undefined,
    session: Session<K>,
  ): Promise<RedisAcquisition<K, K>>;
  try(units: readonly number[], session: Session<K>): RedisAcquisition<K, K>;
  peek(units: readonly number[]): Prospect<K>;
  close(): void;
  /** The set on the server has other limits. */
  redefine(limits: readonly Limit<K>[]): void;
}

/**
 * The stand-in that the options ask for; undefined if requests reject.
 *
 * @throws {InvalidLimitError} if the options make no sense.
 */
export function standIn<K extends string>(options: AwayOptions<K>): StandIn<K> | undefined {
  const { whenAway, localShare } = options;
  if (whenAway !== "reject" && whenAway !== "allow" && whenAway !== "local") {
    throw new InvalidLimitError("whenAway", whenAway, `"reject", "allow" or "local"`);
  }
  if (whenAway !== "local") {
    if (localShare !== undefined) {
      throw new InvalidLimitError("localShare", localShare, `left out: only whenAway: "local" has one`);
    }
    return whenAway === "allow" ? uncounted() : undefined;
  }
  if (!(typeof localShare === "number" && localShare > 0 && localShare <= 1)) {
    throw new InvalidLimitError(
      "localShare",
      localShare,
      "above 0, at most 1: this process's share of each limit",
    );
  }
  return local(options, localShare);
}

/** Grants everything, and counts nothing. */
function uncounted<K extends string>(): StandIn<K> {
  // Its acquisitions settle nowhere, since nothing was taken for them.
  const grant = (units: readonly number[], session: Session<K>) => {
    const present = session.granter;
    const { requests, config, missingUpdate } = present;
    const granter = {
      requests,
      config,
      missingUpdate,
      leaks: undefined,
      closed: false,
      settle: (_token: number, taken: readonly number[], used: readonly number[] | undefined) =>
        requests.misses(taken, used),
      acquireNested: present.acquireNested.bind(present),
    };
    return unleased(new Grant<K>(granter, units, 0));
  };
  return {
    acquire: async (units, _options, session) => grant(units, session),
    try: grant,
    peek: () => ({ successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 }),
    close: () => {},
    redefine: () => {},
  };
}

/** Takes from a set of this process that has a share of each limit. */
function local<K extends string>(options: AwayOptions<K>, share: number): StandIn<K> {
  const { config, missingUpdate, clock } = options;
  let { limits } = options;
  let shares = limits.map((limit) => shareOf(limit, share));
  let set: LimitSet<K> | undefined;
  const open = () => {
    set ??= new LimitSet<K>({ limits: shares, config, missingUpdate, clock, shared: false });
    return set;
  };
  let requests = new Requests<string>(limits);
  const amounts = (units: readonly number[]) => {
    for (const [i, limit] of limits.entries()) {
      const most = shares[i]!.capacity;
      const amount = toAmount(units[i]!, unitOf(limit));
      if (amount > most) {
        throw new BackendUnavailableError(
          `the server is away, and ${amount} of "${limit.key}" is more than this process's share of ${most}`,
        );
      }
    }
    // What is not wanted is named with 0, or the set would take 1 of it unasked.
    return explicit(requests.names, requests.amounts(units)) as never;
  };
  return {
    acquire: async (units, acquireOptions) => unleased(await open().acquire(amounts(units), acquireOptions)),
    try: (units) => unleased<K>(open().tryAcquire(amounts(units)) as Acquisition<K, K>),
    peek: (units) => open().peek(amounts(units)),
    close: () => set?.close(),
    redefine: (later) => {
      limits = later;
      shares = limits.map((limit) => shareOf(limit, share));
      requests = new Requests<string>(limits);
      set?.redefine(shares);
    },
  };
}

/** This process's share of a limit: whole units, at least one. */
function shareOf<K extends string>(
  limit: Limit<K>,
  share: number,
): LimitLike<K> & { readonly capacity: number } {
  const unit = unitOf(limit);
  const part = (amount: number, least = 1) =>
    amount === Infinity ? amount : toAmount(Math.max(least, Math.floor(toUnits(amount, unit) * share)), unit);
  const capacity = part(limit.capacity);
  if (limit.type === "resource") return { ...limit, capacity } as never;
  const { burst, initial } = limit;
  return {
    ...limit,
    capacity,
    ...(burst !== undefined && { burst: Math.min(capacity, part(burst)) }),
    ...(initial !== undefined && { initial: part(initial, 0) }),
  } as never;
}
