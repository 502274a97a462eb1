/** Requests while the server cannot be reached. */
import { Grant } from "../acquisition/acquisition.ts";
import type { AcquireOptions, Acquisition, Prospect } from "../contract.ts";
import { BackendUnavailableError, InvalidLimitError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { unitOf } from "../limits/definition.ts";
import { explicit } from "../limits/era.ts";
import { type Limit, type LimitLike, type Tiers, tierOf } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { tiersOf } from "../limits/partitioning.ts";
import { toAmount, toUnits } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import type { Place, Request } from "./place.ts";
import { type Session, unleased } from "./session.ts";

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
    request: Request,
    options: AcquireOptions | undefined,
    session: Session<K>,
  ): Promise<RedisAcquisition<K, K>>;
  try(request: Request, session: Session<K>): RedisAcquisition<K, K>;
  peek(request: Request): Prospect<K>;
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
  const grant = ({ units, place }: Request, session: Session<K>) => {
    const present = session.granterIn(place);
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
    acquire: async (request, _options, session) => grant(request, session),
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
  const requests = (place: Place | undefined) => place?.era.requests ?? requestsOf<string>(limits);
  /** The set, or the view of it that takes from the partitions of a place. */
  const at = (place: Place | undefined): LimitSet<K> => {
    if (!place) return open();
    const { names, tier } = place.places.naming;
    const known =
      names.size === 0 ? {} : Object.fromEntries([...names].filter(([each]) => isPer(limits, each)));
    const isTier = tier !== undefined && tiersOf(limits).includes(tier);
    return open().for(known as never, isTier ? { tier } : {}) as unknown as LimitSet<K>;
  };
  const amounts = ({ units, place }: Request) => {
    const tier = place?.places.naming.tier;
    for (const [i, limit] of limits.entries()) {
      const most = tierOf(shares[i] as unknown as Limit, tier).capacity;
      const amount = toAmount(units[i]!, unitOf(limit));
      if (amount > most) {
        throw new BackendUnavailableError(
          `the server is away, and ${amount} of "${limit.key}" is more than this process's share of ${most}`,
        );
      }
    }
    // What is not wanted is named with 0, or the set would take 1 of it unasked.
    const present = requests(place);
    return explicit(present.names, present.amounts(units)) as never;
  };
  return {
    acquire: async (request, options) => unleased(await at(request.place).acquire(amounts(request), options)),
    try: (request) => unleased<K>(at(request.place).tryAcquire(amounts(request)) as Acquisition<K, K>),
    peek: (request) => at(request.place).peek(amounts(request)),
    close: () => set?.close(),
    redefine: (later) => {
      limits = later;
      shares = limits.map((limit) => shareOf(limit, share));
      set?.redefine(shares);
    },
  };
}

function isPer(limits: readonly Limit[], dimension: string): boolean {
  return limits.some(({ per }) => per === dimension);
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
  const tiers = limit.tiers && sharesOfTiers(limit.tiers, part);
  if (limit.type === "resource") return { ...limit, capacity, ...(tiers && { tiers }) } as never;
  const { burst, initial } = limit;
  return {
    ...limit,
    capacity,
    ...(burst !== undefined && { burst: Math.min(capacity, part(burst)) }),
    ...(initial !== undefined && { initial: part(initial, 0) }),
    ...(tiers && { tiers }),
  } as never;
}

function sharesOfTiers(tiers: Tiers, part: (amount: number) => number): Tiers {
  const entries = Object.entries(tiers).map(([name, tier]) => {
    const { capacity, burst } = tier;
    const own = { ...(capacity && { capacity: part(capacity) }), ...(burst && { burst: part(burst) }) };
    return [name, { ...tier, ...own }];
  });
  return Object.fromEntries(entries);
}
