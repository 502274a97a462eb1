/** Two sets with partitions on a server, which share a name, beside one in memory: the same is done to both, and all answers are compared. */
import type { Redis } from "ioredis";
import { expect } from "vitest";
import {
  type Acquisition,
  type Awaitable,
  type Inherit,
  type Limit,
  LimitSet,
  type Limits,
} from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type Die, dieOf } from "../property/die.ts";
import { someLimits, TIERS } from "./some-limits.ts";
import { micros } from "./waits.ts";

const START_US = Date.UTC(2026, 0, 1) * 1000;
// So long that no session ends in a history, however far its clock moves.
const LEASE_MS = 1000 * 86_400_000;
const MODES: readonly Inherit[] = ["used", "available", "proportional", "fresh"];

type Amounts = Readonly<Record<string, number>>;

interface Held {
  readonly pair: readonly Acquisition<string>[];
  readonly amounts: Amounts;
}

export class PartitionLab {
  readonly #die: Die;
  readonly #clock = new ManualClock(START_US / 1000);
  readonly #sets: readonly Limits<string>[];
  #limits: Limit[];
  #held: Held[] = [];
  #micros = START_US;
  readonly #said: string[] = [];

  constructor(seed: number, client: Redis) {
    this.#die = dieOf(seed);
    this.#limits = someLimits(this.#die);
    const common = { limits: this.#limits, clock: this.#clock, missingUpdate: "charge" as const };
    const set = () => new RedisLimitSet({ ...common, name: `history ${seed}`, client, leaseMs: LEASE_MS });
    this.#sets = [new LimitSet<string, string, string>(common) as Limits<string>, set(), set()];
  }

  /** A set that has called the server follows it; one that has not would bring its own limits. */
  async begin(): Promise<void> {
    this.#said.push(JSON.stringify(this.#limits));
    for (const set of this.#sets) await set.stats();
  }

  async step(): Promise<void> {
    const die = this.#die;
    this.#micros += [0, 1, die(50), die(2_000), die(200_000), die(3_000_000)][Math.min(die(7), 5)]!;
    if (die(200) === 0) this.#micros += 3_600_000_000;
    this.#clock.set(this.#micros / 1000);
    const roll = die(100);
    if (roll < 50) await this.#take(roll < 6);
    else if (roll < 78) await this.#release();
    else if (roll < 88) await this.#compare(this.#naming());
    else if (roll < 96) await this.#change();
    else await this.#redefine();
  }

  async end(): Promise<void> {
    while (this.#held.length > 0) await this.#release();
    for (const set of this.#sets) await set.close();
  }

  get history(): string {
    return this.#said.slice(-40).join("\n");
  }

  /** A set in memory, and one of those on the server; or views of both. */
  #pair(names: object | undefined): readonly Limits<string>[] {
    const pair = [this.#sets[0]!, this.#sets[1 + this.#die(2)]!];
    if (!names) return pair;
    const tier = this.#tier();
    return pair.map((set) => set.for(names as never, tier));
  }

  /** A tier that some limit has, or none. */
  #tier(): object {
    const known = TIERS.filter((tier) => this.#limits.some(({ tiers }) => tiers && tier in tiers));
    const tier = known[this.#die(known.length + 2)];
    if (tier !== undefined) this.#said.push(`(tier ${tier})`);
    return tier === undefined ? {} : { tier };
  }

  #naming(): object {
    const die = this.#die;
    const dimensions = new Set(this.#limits.flatMap(({ per }) => (per === undefined ? [] : [per])));
    const names = [...dimensions].map((dimension) => [
      dimension,
      die(8) === 0 ? null : `n${die(die(3) === 0 ? 2 : 6)}`,
    ]);
    return Object.fromEntries(names);
  }

  #amounts(): Amounts {
    const amounts: Record<string, number> = {};
    for (const { key, type } of this.#limits) {
      const metric = type === "resource" ? key : "x";
      amounts[metric] ??= this.#die(4) === 0 ? 0 : 1 + this.#die(4);
    }
    return amounts;
  }

  /** Does the same to both, and compares. */
  async #both<T>(
    pair: readonly Limits<string>[],
    what: string,
    act: (set: Limits<string>) => Awaitable<T>,
    told: (answer: T) => unknown,
  ): Promise<readonly T[] | undefined> {
    this.#said.push(`${this.#micros - START_US} ${what}`);
    const answers: T[] = [];
    const all: unknown[] = [];
    for (const set of pair) {
      try {
        const answer = await act(set);
        answers.push(answer);
        all.push(told(answer));
      } catch (error) {
        all.push((error as { code: string }).code);
      }
    }
    expect(all[1], this.history).toEqual(all[0]);
    return answers.length === 2 ? answers : undefined;
  }

  async #take(peeks: boolean): Promise<void> {
    const amounts = this.#amounts();
    if (Object.values(amounts).every((amount) => amount === 0)) return;
    const naming = this.#naming();
    const pair = this.#pair(naming);
    const told = ({ successful, limitedBy, retryAfterMs }: Acquisition<string>) => [
      successful,
      [...limitedBy].sort(),
      micros(retryAfterMs),
    ];
    const what = `${JSON.stringify(naming)} ${JSON.stringify(amounts)}`;
    if (peeks) {
      await this.#both(pair, `peek ${what}`, async (set) => (await set.peek(amounts)) as never, told);
      return;
    }
    const taken = await this.#both(pair, `take ${what}`, (set) => set.tryAcquire(amounts), told);
    if (taken?.[0]?.successful) this.#held.push({ pair: taken, amounts: taken[0].requested as Amounts });
  }

  async #release(): Promise<void> {
    const die = this.#die;
    const [held] = this.#held.splice(die(this.#held.length), 1);
    if (!held) return;
    const x = held.amounts["x"] ?? 0;
    const used = die(2) === 0 ? undefined : die(x + 2);
    this.#said.push(`${this.#micros - START_US} release ${JSON.stringify(held.amounts)} used ${used}`);
    for (const acquisition of held.pair) {
      try {
        if (used !== undefined) await acquisition.update({ x: used });
      } catch {
        // The limits may be others by now.
      }
      await acquisition.release();
    }
    // What is settled arrives before time moves on.
    for (const set of this.#sets) await set.stats();
  }

  async #compare(naming: object): Promise<void> {
    const read = async (set: Limits<string>) =>
      Object.fromEntries(
        Object.entries(await set.stats()).map(
          ([key, { used, available, capacity, retryAfterMs, fullInMs }]) => [
            key,
            {
              used,
              available,
              capacity,
              wait: micros(retryAfterMs),
              full: micros(fullInMs ?? 0),
            },
          ],
        ),
      );
    await this.#both(this.#pair(naming), `stats ${JSON.stringify(naming)}`, read, (stats) => stats);
  }

  async #change(): Promise<void> {
    const die = this.#die;
    const naming = die(3) === 0 ? undefined : this.#naming();
    const keys = die(2) === 0 ? undefined : this.#limits.filter(() => die(2) === 0).map(({ key }) => key!);
    const key = this.#limits[die(this.#limits.length)]?.key ?? "none";
    const [ms, amount] = [[0, 1, 300, 5_000, Number.POSITIVE_INFINITY][die(5)]!, die(20)];
    const changes: readonly [string, (set: Limits<string>) => void | Promise<void>][] = [
      [`pause ${ms} ${keys}`, (set) => set.pause(ms, keys) as Promise<void>],
      [`resume ${keys}`, (set) => set.resume(keys) as Promise<void>],
      [`charge ${amount}`, (set) => set.charge({ x: amount }) as Promise<void>],
      [`lower ${key} ${amount}`, (set) => set.lower({ [key]: amount }) as Promise<void>],
      [`reset ${keys}`, (set) => set.reset(keys) as Promise<void>],
      ["resume", (set) => set.resume() as Promise<void>],
    ];
    const [what, act] = changes[die(changes.length)]!;
    await this.#both(
      this.#pair(naming),
      `${JSON.stringify(naming)} ${what}`,
      async (set) => act(set),
      () => "done",
    );
  }

  async #redefine(): Promise<void> {
    const die = this.#die;
    const pool = new Map(this.#limits.map((limit) => [limit.key, limit]));
    // Some limits stay as they are.
    const limits = someLimits(die).map((limit) => (die(3) === 0 ? (pool.get(limit.key) ?? limit) : limit));
    this.#limits = limits;
    const inherit = MODES[die(MODES.length)]!;
    await this.#both(
      this.#pair(undefined),
      `redefine ${inherit} ${JSON.stringify(limits)}`,
      async (set) => set.redefine(limits, { inherit }),
      () => "done",
    );
    // The other follows with its next call.
    for (const set of this.#sets) await set.stats();
  }
}
