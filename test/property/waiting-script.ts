/** Random scripts of arrivals, and two ways to play them: on a real queue, and by the rule of waiting written as plainly as it can be. */
import {
  type Acquisition,
  type Awaitable,
  LimitSet,
  type Limits,
  RateLimit,
  RateLimitAlgorithm,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

export const ALGORITHMS = Object.values(RateLimitAlgorithm);
/** Every moment at which a waiter can go falls on a tick: a unit of each rate comes back in whole ticks. */
export const TICK_MS = 1;

export interface Arrival {
  readonly id: number;
  readonly tick: number;
  /** Units of each limit; 0 leaves it out. */
  readonly units: readonly number[];
  readonly priority: number;
  /** The ticks from its grant to its release. */
  readonly hold: number;
  /** The units of each rate that it reports. */
  readonly used: readonly number[];
  /** The ticks after which it gives up, if it is not granted before. */
  readonly patience: number;
  /** The arrival through whose acquisition it is requested, if that is held at the time; else it does not come. */
  readonly parent: number | undefined;
}

/** A pause of a limit, or the end of one. */
export interface Pause {
  readonly tick: number;
  readonly limit: number;
  /** For how many ticks; Infinity for a pause that lasts until it is ended, 0 to end one. */
  readonly ticks: number;
}

export interface Script {
  readonly limits: readonly (RateLimit | ResourceLimit)[];
  readonly agingMs: number | undefined;
  readonly arrivals: readonly Arrival[];
  readonly pauses: readonly Pause[];
  readonly ticks: number;
  /** An acquisition is released only when those that were requested through it are. */
  readonly clings: boolean;
}

/** The ticks at which arrivals were granted, by id; and the order of all grants. */
export interface Played {
  readonly grants: ReadonlyMap<number, number>;
  readonly order: readonly number[];
}

/** A reproducible die (Lehmer's generator). */
export function die(seed: number): (sides: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return Math.floor((state / 2_147_483_647) * sides);
  };
}

export interface Taste {
  readonly priorities?: boolean;
  readonly nested?: boolean;
  readonly pauses?: boolean;
  readonly ticks?: number;
  /**
   * No request gives up; acquisitions are held until their nested requests are done; and these want only resources behind those that
   * are held, in a fixed order, so that none of them waits for what its own caller holds.
   */
  readonly clings?: boolean;
}

export function randomScript(
  seed: number,
  { priorities = false, nested = false, pauses: hasPauses = false, ticks = 100, clings = false }: Taste = {},
): Script {
  const roll = die(seed);
  for (let i = 0; i < 10; i++) roll(2);
  const limits = Array.from({ length: 1 + roll(8) }, (_, i) => {
    const capacity = 1 + roll(6);
    if (roll(3) === 0) return new ResourceLimit({ key: `r${i}`, capacity });
    const algorithm = ALGORITHMS[roll(ALGORITHMS.length)]!;
    const windowMs = capacity * (1 + roll(6)) * TICK_MS;
    const burst = algorithm === RateLimitAlgorithm.GCRA ? { burst: 1 + roll(capacity) } : {};
    return new RateLimit({ key: `l${i}`, capacity, windowMs, algorithm, ...burst });
  });
  const ceilings = limits.map((limit) =>
    "burst" in limit ? (limit.burst ?? limit.capacity) : limit.capacity,
  );
  const arrivals: Arrival[] = [];
  /** For each arrival, the last resource that it and those around it hold. */
  const lasts: number[] = [];
  for (let tick = 0; tick < Math.min(ticks, 100) / 2; tick++) {
    for (let more = roll(4); more > 0; more--) {
      const units: number[] = ceilings.map((ceiling) => (roll(2) === 0 ? 0 : 1 + roll(ceiling)));
      if (!units.some((count) => count > 0)) units[roll(units.length)] = 1;
      let parent = nested && roll(4) === 0 && arrivals.length > 0 ? roll(arrivals.length) : undefined;
      if (clings && parent !== undefined) {
        limits.forEach(({ type }, i) => {
          if (type === "resource" && i <= lasts[parent!]!) units[i] = 0;
        });
        if (!units.some((count) => count > 0)) {
          parent = undefined;
          units[0] = 1;
        }
      }
      const last = limits.findLastIndex(({ type }, i) => type === "resource" && units[i]! > 0);
      lasts.push(Math.max(last, parent === undefined ? -1 : lasts[parent]!));
      const used = units.map((count) => (roll(2) === 0 ? count : roll(count + 1)));
      arrivals.push({
        id: arrivals.length,
        tick,
        units,
        priority: priorities && roll(3) === 0 ? roll(5) - 2 : 0,
        hold: roll(3) === 0 ? 0 : roll(12),
        used,
        patience: roll(4) === 0 && !clings ? 1 + roll(20) : Number.POSITIVE_INFINITY,
        parent,
      });
    }
  }
  const agingMs = priorities && roll(2) === 0 ? 1 + roll(20) : undefined;
  const pauses: Pause[] = [];
  for (let tick = 0; hasPauses && tick < Math.min(ticks, 100) * 0.8; tick++) {
    if (roll(4) > 0) continue;
    const kind = roll(3);
    const length = kind === 0 ? 0 : kind === 1 ? 1 + roll(20) : Number.POSITIVE_INFINITY;
    pauses.push({ tick, limit: roll(limits.length), ticks: length });
  }
  // At the end no limit is paused.
  for (let limit = 0; hasPauses && limit < limits.length; limit++) pauses.push({ tick: 90, limit, ticks: 0 });
  return { limits, agingMs, arrivals, pauses, ticks, clings };
}

export const START: number = Date.UTC(2026, 0, 1);

/** A real set that a script is played on, and its clock. */
export interface Stage {
  /** The set, as one or several programs have it: they ask in turn. */
  readonly sets: readonly (Limits<string> & { readonly waiting: number })[];
  /** Moves the clock. */
  moveTo(ms: number): Awaitable<void>;
  /** Resolves when all is done to which the last step leads. */
  settled(): Promise<void>;
  /** Ends what the sets themselves do not end. */
  ended?(): Awaitable<void>;
}

/** Makes a set for a script. */
export type Open = (options: Options) => Awaitable<Stage>;

export interface Options {
  readonly limits: Script["limits"];
  readonly agingMs?: number;
}

export const inMemory: Open = (options) => {
  const clock = new ManualClock(START);
  return {
    sets: [new LimitSet({ ...options, clock })],
    moveTo: (ms) => clock.set(ms),
    async settled() {
      for (let i = 0; i < 8; i++) await null;
    },
  };
};

/** Plays a script on a real queue, without the arrival `without`. */
export async function play(
  script: Script,
  without?: number,
  open: Open = inMemory,
): Promise<Played & { readonly left: number }> {
  const stage = await open({
    limits: script.limits,
    ...(script.agingMs === undefined ? {} : { agingMs: script.agingMs }),
  });
  const { sets } = stage;
  const settled = () => stage.settled();
  const setOf = (id: number) => sets[id % sets.length]!;
  const waiting = () => sum(sets.map((set) => set.waiting));
  const grants = new Map<number, number>();
  const order: number[] = [];
  const held = new Map<number, Acquisition<string>>();
  const due: { tick: number; arrival: Arrival }[] = [];
  /** How many nested requests are not done, by the arrival around them. */
  const children = new Map<number, number>();
  let tick = 0;
  const amounts = (units: readonly number[]) =>
    Object.fromEntries(script.limits.map(({ key }, i) => [key, units[i]!]));
  const controllers: { tick: number; id: number; controller: AbortController }[] = [];
  for (; tick <= script.ticks; tick++) {
    await stage.moveTo(START + tick * TICK_MS);
    await settled();
    if (tick > 100 && due.length === 0 && waiting() === 0) break;
    for (const { limit, ticks } of script.pauses.filter((each) => each.tick === tick)) {
      const keys = [script.limits[limit]!.key];
      if (ticks > 0) await setOf(limit).pause(ticks * TICK_MS, keys);
      else await setOf(limit).resume(keys);
      await settled();
    }
    for (const ended of due.filter((each) => each.tick === tick)) {
      const { arrival } = ended;
      due.splice(due.indexOf(ended), 1);
      if (script.clings && (children.get(arrival.id) ?? 0) > 0) {
        due.push({ tick: tick + 1, arrival });
        continue;
      }
      if (arrival.parent !== undefined) children.set(arrival.parent, children.get(arrival.parent)! - 1);
      const acquisition = held.get(arrival.id)!;
      held.delete(arrival.id);
      settle(script, arrival, acquisition);
      await settled();
    }
    for (const { id, controller } of controllers.filter((each) => each.tick === tick)) {
      if (!grants.has(id)) controller.abort();
      await settled();
    }
    for (const arrival of script.arrivals.filter((each) => each.tick === tick && each.id !== without)) {
      const { id, units, priority, patience, parent } = arrival;
      const from = parent === undefined ? setOf(id) : held.get(parent);
      if (!from) continue;
      if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1);
      const controller = new AbortController();
      controllers.push({ tick: tick + patience, id, controller });
      from.acquire(amounts(units), { priority, signal: controller.signal }).then(
        (acquisition) => {
          grants.set(id, tick);
          order.push(id);
          held.set(id, acquisition);
          due.push({ tick: tick + Math.max(arrival.hold, 1), arrival });
        },
        () => {},
      );
      await settled();
    }
  }
  const left = waiting();
  for (const set of sets) await set.close();
  await stage.ended?.();
  return { grants, order, left };
}

/** A waiter of the plain rule. */
interface PlainWaiter {
  readonly arrival: Arrival;
  readonly key: number;
  readonly turn: number;
}

/** Plays a script by the rule: in order, a waiter goes if each limit would grant it after all that stand before it. */
export function playByRule(script: Script): Played {
  const clock = new ManualClock(START);
  const set = new LimitSet<string>({ limits: script.limits, clock });
  const ceilings = script.limits.map((limit) =>
    "burst" in limit ? (limit.burst ?? limit.capacity) : limit.capacity,
  );
  const grants = new Map<number, number>();
  const order: number[] = [];
  const held = new Map<number, Acquisition<string>>();
  const due: { tick: number; arrival: Arrival }[] = [];
  let waiting: PlainWaiter[] = [];
  /** For each limit, the tick at which it is no longer paused. */
  const pausedUntil = script.limits.map(() => 0);
  let tick = 0;
  let turns = 0;

  const isPaused = ({ units }: Arrival) => units.some((n, i) => n > 0 && pausedUntil[i]! > tick);

  const usedOf = () => {
    const stats = set.stats();
    return script.limits.map(({ key }) => stats[key]!.used);
  };
  const taints = (amongNested: boolean) => {
    const used = usedOf();
    const all = waiting.filter(({ arrival }) => !amongNested || arrival.parent !== undefined);
    const total = script.limits.map((_, i) => sum(all.map(({ arrival }) => arrival.units[i]!)));
    const tainted = script.limits.map(
      ({ type }, i) => type === "resource" && total[i]! > 0 && used[i]! + total[i]! > ceilings[i]!,
    );
    for (let grows = true; grows; ) {
      grows = false;
      for (const { arrival } of all) {
        if (!arrival.units.some((n, i) => n > 0 && tainted[i])) continue;
        arrival.units.forEach((n, i) => {
          if (n === 0 || tainted[i]) return;
          tainted[i] = true;
          grows = true;
        });
      }
    }
    return tainted;
  };
  const fits = (waiter: PlainWaiter, demand: readonly number[]) => {
    const { units, parent } = waiter.arrival;
    const used = usedOf();
    const tainted = parent === undefined ? [] : taints(false);
    const taintedAmongNested = parent === undefined ? [] : taints(true);
    const before = waiting
      .slice(0, waiting.indexOf(waiter))
      .filter(({ arrival }) => arrival.parent !== undefined);
    const nested = script.limits.map((_, i) => sum(before.map(({ arrival }) => arrival.units[i]!)));
    if (isPaused(waiter.arrival)) return false;
    return script.limits.every((limit, i) => {
      const n = units[i]!;
      const ahead = taintedAmongNested[i] ? 0 : tainted[i] ? nested[i]! : demand[i]!;
      if (n === 0) return true;
      if ("algorithm" in limit && limit.algorithm === RateLimitAlgorithm.LeakyBucket)
        return used[i] === 0 && ahead === 0;
      return used[i]! + ahead + n <= ceilings[i]!;
    });
  };
  const grant = (arrival: Arrival) => {
    // The limits that it leaves out are named, so that nothing is taken of them.
    const tried = set.tryAcquire(
      Object.fromEntries(script.limits.map(({ key }, i) => [key, arrival.units[i]!])),
    );
    if (!tried.successful) throw new Error(`the rule grants ${arrival.id}, which the limits refuse`);
    grants.set(arrival.id, tick);
    order.push(arrival.id);
    held.set(arrival.id, tried);
    due.push({ tick: tick + Math.max(arrival.hold, 1), arrival });
  };
  /** Each pass goes from the front: a nested request may free those before it. */
  const drain = () => {
    for (let goes = true; goes; ) {
      goes = false;
      const demand = script.limits.map(() => 0);
      for (const waiter of waiting) {
        if (fits(waiter, demand)) {
          waiting = waiting.filter((each) => each !== waiter);
          grant(waiter.arrival);
          goes = true;
          break;
        }
        // A waiter behind a pause stands aside: it counts again when the pause ends. A nested request does not: its caller holds something.
        if (waiter.arrival.parent === undefined && isPaused(waiter.arrival)) continue;
        waiter.arrival.units.forEach((n, i) => {
          demand[i]! += n;
        });
      }
    }
  };

  for (; tick <= script.ticks; tick++) {
    clock.set(START + tick * TICK_MS);
    drain();
    for (const { limit, ticks } of script.pauses.filter((each) => each.tick === tick)) {
      pausedUntil[limit] = ticks > 0 ? Math.max(pausedUntil[limit]!, tick + ticks) : 0;
      drain();
    }
    for (const { arrival } of due.filter((each) => each.tick === tick)) {
      const acquisition = held.get(arrival.id)!;
      held.delete(arrival.id);
      settle(script, arrival, acquisition);
      drain();
    }
    const late = waiting.filter(({ arrival }) => arrival.tick + arrival.patience === tick);
    for (const waiter of late) {
      waiting = waiting.filter((each) => each !== waiter);
      drain();
    }
    for (const arrival of script.arrivals.filter((each) => each.tick === tick)) {
      if (arrival.parent !== undefined && !held.has(arrival.parent)) continue;
      const now = START + tick * TICK_MS;
      const { agingMs } = script;
      const key = agingMs === undefined ? -arrival.priority : now - arrival.priority * agingMs;
      waiting.push({ arrival, key, turn: turns++ });
      waiting.sort((a, b) => a.key - b.key || a.turn - b.turn);
      drain();
    }
  }
  set.close();
  return { grants, order };
}

/** Reports what an arrival has used, and releases its acquisition. */
function settle({ limits }: Script, { units, used }: Arrival, acquisition: Acquisition<string>): void {
  const usage = limits.flatMap(({ key, type }, i) =>
    type === "rate" && units[i]! > 0 ? [[key, used[i]!]] : [],
  );
  acquisition.update(Object.fromEntries(usage));
  acquisition.release();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
