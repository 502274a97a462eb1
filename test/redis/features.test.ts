/** The script against the core, where requests stand behind waiters, limits are changed, and limits are shadows, infinite or of a calendar. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { GRANTED, RECORD_BYTES, REFUNDED, REPORTED_FULL } from "../../assembly/layout.ts";
import { isGranted, tokenOf } from "../../src/core/answer.ts";
import { ACTIONS } from "../../src/core/changing.ts";
import { NO_TIME } from "../../src/core/front.ts";
import { type Region, TRY } from "../../src/core/region.ts";
import { type Limit, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { missingUnits } from "../../src/limits/definition.ts";
import { type Era, heirsOf, type Inherit, passOn } from "../../src/limits/era.ts";
import { toMicros } from "../../src/limits/units.ts";
import { wholeCall } from "../../src/redis/call.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { nameOfScript, script } from "../../src/redis/script/index.ts";
import { ToldWindows } from "../../src/redis/told.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { describeRedis, RedisServer } from "./server.ts";
import { micros } from "./waits.ts";

const LEASE_US = 1e15;
const sha = await nameOfScript();
const START_MS = Date.UTC(2027, 2, 14, 9, 59, 57);
const ALGORITHMS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;

const limitOf = fc.record({
  kind: fc.constantFrom(...ALGORITHMS, "calendar", "resource"),
  capacity: fc.constantFrom(1, 2, 3, 7, 10, 100, 1_000_003),
  windowMs: fc.constantFrom(1, 7, 100, 1000, 60_000, 3_333.333),
  initial: fc.constantFrom(undefined, undefined, 0, 1),
  enforce: fc.constantFrom(true, true, true, false),
  every: fc.constantFrom("minute", "hour", "day"),
  unit: fc.constantFrom(1, 1, 1, 0.5, 0.25),
  isInfinite: fc.constantFrom(false, false, false, false, true),
});

function toLimit(
  { kind, every, isInfinite, ...rest }: typeof limitOf extends fc.Arbitrary<infer T> ? T : never,
  i: number,
): Limit {
  const { capacity: some, enforce, unit } = rest;
  const [key, capacity] = [`k${9 - i}`, isInfinite ? Infinity : some];
  if (kind === "resource") return new ResourceLimit({ key, capacity, enforce });
  const initial = rest.initial === undefined || isInfinite ? {} : { initial: rest.initial };
  if (kind === "calendar") {
    const timeZone = "America/Los_Angeles";
    // With an initial amount, the core would begin before it knows the window.
    return new RateLimit({ key, capacity, algorithm: "fixed-window", every, timeZone, enforce, unit });
  }
  return new RateLimit({
    key,
    capacity,
    windowMs: rest.windowMs,
    algorithm: kind,
    enforce,
    unit,
    ...initial,
  });
}

const step = fc.tuple(fc.nat(99), fc.nat(0xffff), fc.nat(1023));
const histories = fc.array(step, { minLength: 1, maxLength: 60, size: "max" });

let server: RedisServer;
let client: Redis;
let keys = 0;

/** One set in the core and on the server: does each step in both, and compares the answers. */
class Twin {
  readonly clock = new ManualClock(START_MS);
  readonly set: LimitSet<string>;
  definitions: Definitions;
  #told: ToldWindows;
  readonly #key = `features:${++keys}`;
  readonly #held: { era: Era; units: readonly number[]; token: number }[] = [];
  #limits: readonly Limit[];
  #seq = 0;

  constructor(limits: readonly Limit[]) {
    this.#limits = limits;
    this.set = new LimitSet({ limits, clock: this.clock, shared: false, missingUpdate: "charge" });
    this.definitions = new Definitions(limits);
    this.#told = new ToldWindows(this.definitions);
  }

  get region(): Region {
    return (this.set as unknown as { region: Region }).region;
  }

  get era(): Era {
    return (this.set as unknown as { granter: { era: Era } }).granter.era;
  }

  /** The reading of the set's own clock, which goes on where the other steps back. */
  get now(): number {
    return (this.set as unknown as { clock: { now(): number } }).clock.now();
  }

  /** Reads both, so that the core knows the windows of calendars too. */
  begin(): Promise<void> {
    return this.#report(undefined, "");
  }

  async do([kind, pick, fraction]: readonly [number, number, number]): Promise<void> {
    const { region, definitions } = this;
    const units = this.#limits.map((limit, i) => {
      const bits = (pick >> (2 * i)) & 3;
      const most = Math.min(limit.capacity, 2e6);
      return bits === 0 ? 0 : bits === 1 ? 1 : Math.max(1, Math.floor((most * fraction) / 900));
    });
    const demand = units.map((n, i) =>
      n > 0 && (pick >> (8 + i)) & 1 ? region.demandOf(i, 1 + ((fraction * (i + 3)) % 13)) : 0,
    );
    const behind = pick & 0x1000 ? demand : undefined;
    const suffix = behind?.some((n) => n > 0) ? `;${definitions.encode(behind)}` : "";
    if (kind < 40) {
      if (units.every((n) => n === 0)) return;
      const isTry = kind < 34;
      const answer = isTry
        ? region.takeSince(units, this.now, toMicros(this.now), false, behind, TRY)
        : region.probe(units, this.now, behind);
      const isFree = isGranted(answer);
      const said = await this.ask(`${isTry ? "O" : "P"}${definitions.encode(units)}${suffix}`);
      if (isFree && isTry) {
        const taken = region.markPassed(units);
        const passed = taken.flatMap((n, i) => (n < 0 ? [definitions.indexes[i]!] : []));
        this.#held.push({ era: this.era, units: taken, token: tokenOf(answer) });
        const [token, list = ""] = said.split("/");
        const sorted = list === "" ? [] : list.split(",").map(Number).sort();
        expect([token, sorted]).toEqual([`+${tokenOf(answer)}`, passed.sort()]);
      } else expect(this.#waitsOf(said)).toEqual(isFree ? [] : this.#waits(units));
    } else if (kind < 60) await this.#settle(pick, fraction);
    else if (kind < 64) {
      const due = units.map((n, i) => (this.#limits[i]!.type === "resource" ? 0 : n));
      if (due.every((n) => n === 0)) return;
      region.settle(due, this.now, 0);
      expect(await this.ask(`S0 ${definitions.encode(due)}`)).toBe(".");
    } else if (kind < 76) await this.#change(kind, pick, fraction);
    else if (kind < 97) {
      const steps = [0, 0.001, 1, 3.7, 99.999, 100, 1000, 59_999, 60_000, 3_600_000, 40_000_000];
      this.clock.set(this.clock.now() + steps[pick % steps.length]!);
    } else this.clock.set(this.clock.now() - [0.5, 999, 2000, 4_000_000][pick % 4]!);
    await this.#report(behind, suffix);
  }

  /** Gives both sets other limits. */
  async redefine(limits: readonly Limit[], inherit: Inherit): Promise<void> {
    const before = this.era;
    const [old, from] = [this.definitions, this.definitions.text];
    this.set.redefine(limits, { inherit });
    this.#limits = limits;
    this.definitions = new Definitions(limits, this.era);
    this.#told = new ToldWindows(this.definitions);
    const heirs = heirsOf(before, this.era).flatMap((heir, i) =>
      heir.from < 0 ? [] : [`${this.definitions.indexes[i]}:${old.indexes[heir.from]}:${heir.ratio}`],
    );
    expect(await this.ask("R", [inherit, ...heirs].join(" "), from)).toBe(".");
    await this.#report(undefined, "");
  }

  async #settle(pick: number, fraction: number): Promise<void> {
    const held = this.#held.splice(pick % Math.max(1, this.#held.length), 1)[0];
    if (!held) return;
    const due = passOn(
      held.era,
      this.era,
      held.units.map((n, i) =>
        n <= 0 ? 0 : held.era.limits[i]!.type === "resource" ? -n : -Math.floor((n * fraction) / 1023),
      ),
    );
    if (due.every((n) => n === 0)) return;
    const before = this.#refunds();
    this.region.settle(due, NO_TIME, held.token);
    const back = this.#refunds().map((n, i) => n - before[i]!);
    const said = await this.ask(`S${held.token} ${this.definitions.encode(due)}`);
    expect(said.slice(1).split(",").filter(Boolean).sort()).toEqual(
      back.flatMap((n, i) => (n > 0 ? [`${this.definitions.indexes[i]}:${n}`] : [])).sort(),
    );
  }

  #refunds(): number[] {
    this.region.report(this.now);
    return this.#limits.map((_, i) => this.region.reportOf(i, (REFUNDED - GRANTED) / 8));
  }

  async #change(kind: number, pick: number, fraction: number): Promise<void> {
    const { region, definitions } = this;
    const chosen = (value: (limit: Limit) => number) =>
      this.#limits.map((limit, i) => ((pick >> i) & 1 ? value(limit) : -1));
    const change = async (code: string, action: number, values: number[], sent = values) => {
      const list = definitions.encodeChange(sent);
      if (list === "") return;
      region.change(action, values, this.now);
      expect(await this.ask(code + list)).toBe(".");
    };
    const zeroes = chosen(() => 0);
    if (kind < 67) {
      const micros = pick & 0x400 ? Infinity : fraction * 1000;
      const code = micros === Infinity ? "H~ " : `H${micros} `;
      // While a calendar is paused for good, or a shadow of one at all, the core does not ask for its window, and does not know it.
      const isLeft = (limit: Limit) => "every" in limit && (micros === Infinity || !limit.enforce);
      const [values, sent] = [micros, 0].map((value) => chosen((limit) => (isLeft(limit) ? -1 : value)));
      await change(code, ACTIONS.pause, values!, sent);
    } else if (kind < 70) await change("G", ACTIONS.resume, zeroes);
    else if (kind < 73) {
      const left = chosen(({ type, capacity }) =>
        type === "resource" ? -1 : Math.floor((Math.min(capacity, 1e6) * fraction) / 1023),
      );
      await change("B", ACTIONS.lower, left);
    } else await change("Z", ACTIONS.reset, chosen(missingUnits));
  }

  async #report(demand: readonly number[] | undefined, suffix: string): Promise<void> {
    const { region, definitions } = this;
    region.report(this.now, demand);
    const rows: string[] = [];
    for (const [i, index] of definitions.indexes.entries()) {
      const wait = micros(Math.max(0, region.waitOf(i)));
      rows[index - 1] = `${region.usedOf(i)}:${wait}:${micros(region.reportOf(i, REPORTED_FULL))}`;
    }
    const said = (await this.ask(`I${suffix}`)).replace(/(?<=:)\d+/g, (us) => micros(Number(us) / 1000));
    expect(said).toBe(`#${rows}`);
  }

  #waits(units: readonly number[]): string[] {
    const { region, definitions } = this;
    return units
      .flatMap((n, i) =>
        n > 0 && region.refuses(i) ? [`${definitions.indexes[i]}:${micros(region.waitOf(i))}`] : [],
      )
      .sort();
  }

  #waitsOf(said: string): string[] {
    return said
      .slice(1)
      .split(",")
      .filter(Boolean)
      .map((one) => /^\d+:(~|\d+)/.exec(one)![0].replace(/(?<=:)\d+/, (us) => micros(Number(us) / 1000)))
      .sort();
  }

  async ask(operation: string, redefinition = "", from = ""): Promise<string> {
    for (;;) {
      const reading = toMicros(this.clock.now());
      const caller = { definitions: this.definitions, session: "me", seq: ++this.#seq, reading };
      const turn = { text: redefinition, from };
      const whole = { leaseUs: LEASE_US, turn, windows: this.#told.encode(reading) };
      const answer = await client.evalsha(sha, 1, this.#key, ...wholeCall(caller, whole, [operation]));
      const [verdict, , , said] = (answer as string).split(" ");
      if (verdict === "ok") return said!;
      expect(verdict).toBe("ask");
      this.#told.ask(answer as string);
    }
  }
}

describeRedis("the script", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
    expect(await client.script("LOAD", script)).toBe(sha);
    expect(RECORD_BYTES).toBe(40);
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  it("the script answers as the core does behind waiters, between changes, for any kind of limit", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const property = fc.asyncProperty(
      fc.array(limitOf, { minLength: 1, maxLength: 4 }),
      histories,
      async (definitions, history) => {
        const twin = new Twin(definitions.map(toLimit));
        try {
          await twin.begin();
          for (const each of history) await twin.do(each);
        } finally {
          twin.set.close();
        }
      },
    );
    await fc.assert(property, runs(300));
  });

  it("the script gives a set other limits as the core does", { timeout: TIMEOUT_MS }, async () => {
    const limits = fc.array(limitOf, { minLength: 1, maxLength: 3 });
    // No pauses: a limit that is paused for good may become one of a calendar.
    const some = fc.array(
      step.filter(([kind]) => kind < 64 || kind > 66),
      { maxLength: 12, size: "max" },
    );
    const inherits = fc.constantFrom("used", "used", "available", "proportional", "fresh");
    const property = fc.asyncProperty(
      limits,
      fc.array(fc.tuple(some, limits, inherits), { minLength: 1, maxLength: 4, size: "max" }),
      async (first, eras) => {
        const twin = new Twin(first.map(toLimit));
        try {
          await twin.begin();
          for (const [history, later, inherit] of eras) {
            for (const each of history) await twin.do(each);
            await twin.redefine(later.map(toLimit), inherit);
          }
        } finally {
          twin.set.close();
        }
      },
    );
    await fc.assert(property, runs(300));
  });
});
