/** Objects that restart, clients that vanish and answers that get lost, in real time and real workerd. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorkerd, type Workerd } from "../runtimes/workerd.ts";
import { describeWorkerd, newStorage } from "./workerd.ts";

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));
const objects = {
  BOUNDED: "Bounded",
  BUDGET: "Budget",
  CHANGED: "Changed",
  PACED: "Paced",
  PER_USER: "PerUser",
};

interface Row {
  readonly capacity: number;
  readonly used: number;
  readonly available: number;
  readonly waiting: number;
}
type Stats = Readonly<Record<"tokens" | "slots", Row>>;

let workerd: Workerd;
let names = 0;

async function ask<T>(path: string, name: string, body?: unknown): Promise<T> {
  const url = `${workerd.url}${path}${path.includes("?") ? "&" : "?"}name=${name}`;
  const answer = await fetch(url, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
  return (await answer.json()) as T;
}

const statsOf = (name: string) => ask<Stats>("/stats", name);

/** Resolves when the condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** An HTTP request whose client can vanish. */
function vanishing(path: string, name: string): { vanish(): void } {
  const outgoing = request(`${workerd.url}${path}&name=${name}`);
  outgoing.on("error", () => {});
  outgoing.end();
  return { vanish: () => outgoing.socket!.resetAndDestroy() };
}

describeWorkerd("in workerd", () => {
  const storage = newStorage();
  const start = async () => {
    workerd = await startWorkerd(PROGRAM, { objects, storage });
  };
  beforeAll(start);
  afterAll(() => workerd?.kill());

  it("an object has the bounds of its class", async () => {
    expect(await ask("/bounded", `bounded ${++names}`)).toEqual(["ERR_QUEUE_FULL", 0, "Infinity"]);
  });

  it("limitFetch pauses the set of an object, holds its resources until the body has ended, and settles there", async () => {
    const name = `fetched ${++names}`;
    const [refused, held, answer, pausedMs] = await ask<[string, number, string, number]>("/fetched", name);
    expect([refused, held, answer]).toEqual(["slow down", 1, "hello"]);
    expect(pausedMs).toBeGreaterThanOrEqual(290);
    await until(async () => {
      const { tokens, slots } = await statsOf(name);
      return tokens.used === 7 && slots.used === 0;
    });
  });

  it("an object forgets nothing that it has answered, whenever its process is killed", async () => {
    const name = `killed ${++names}`;
    let answered = 0;
    let asked = 0;
    let isOver = false;
    const loops = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        asked++;
        const isTaken = await ask<boolean>("/take", name).catch(() => undefined);
        if (isTaken) answered++;
        else if (isTaken === undefined) return;
      }
    });
    await until(async () => answered >= 50);
    await workerd.kill();
    isOver = true;
    await Promise.all(loops);
    await start();
    const { used } = (await statsOf(name)).tokens;
    expect(used).toBeGreaterThanOrEqual(answered);
    expect(used).toBeLessThanOrEqual(asked);
  });

  it("resources of a killed process come back at the end of the lease, and wake a waiter", async () => {
    const name = `lease ${++names}`;
    await ask("/take?tokens=60", name);
    vanishing("/hold?slots=2&ms=20000", name);
    await until(async () => (await statsOf(name)).slots.used === 2);
    await workerd.kill();
    await start();
    expect(await statsOf(name)).toMatchObject({ tokens: { used: 60 }, slots: { used: 2, available: 0 } });
    // Only the object's alarm can end the lease.
    expect(await ask("/hold?slots=2", name)).toMatchObject({ lost: null });
    expect((await statsOf(name)).slots.used).toBe(0);
  });

  it("holders keep what they hold, and waiters wait on, when an object is evicted", async () => {
    const name = `evicted ${++names}`;
    const holders = [ask("/hold?ms=900", name), ask("/hold?ms=900", name)];
    await until(async () => (await statsOf(name)).slots.used === 2);
    const waiters = Array.from({ length: 6 }, () =>
      ask<{ lost: unknown; most: number }>("/hold?ms=20", name),
    );
    await until(async () => (await statsOf(name)).slots.waiting === 6);
    await ask("/evict", name);
    await until(async () => (await statsOf(name)).slots.waiting === 6);
    expect((await statsOf(name)).slots.used).toBe(2);
    await ask("/evict", name);
    for (const { lost, most } of (await Promise.all([...holders, ...waiters])) as {
      lost: unknown;
      most: number;
    }[]) {
      expect(lost).toBeNull();
      expect(most).toBeLessThanOrEqual(2);
    }
    expect((await statsOf(name)).slots.used).toBe(0);
  });

  it("holders and waiters go on under other limits, when an object is evicted around a redefinition", async () => {
    const name = `redefined ${++names}`;
    const holders = [ask("/hold?ms=900", name), ask("/hold?ms=900", name)];
    await until(async () => (await statsOf(name)).slots.used === 2);
    const waiters = Array.from({ length: 6 }, () =>
      ask<{ lost: unknown; most: number }>("/hold?ms=100", name),
    );
    await until(async () => (await statsOf(name)).slots.waiting === 6);
    await ask("/evict", name);
    expect(await ask("/redefine?more=1", name)).toBe(3);
    await ask("/evict", name);
    expect((await statsOf(name)).slots).toMatchObject({ capacity: 3 });
    const all = (await Promise.all([...holders, ...waiters])) as { lost: unknown; most: number }[];
    for (const { lost, most } of all) {
      expect(lost).toBeNull();
      expect(most).toBeLessThanOrEqual(3);
    }
    expect(Math.max(...all.map(({ most }) => most))).toBe(3);
    expect((await statsOf(name)).slots).toMatchObject({ used: 0, capacity: 3 });
  });

  it("each redefinition counts once, however often the object is evicted in the middle", async () => {
    const name = `middle ${++names}`;
    const takes = Array.from({ length: 30 }, () => ask<boolean>("/take?tokens=2", name));
    const changes = Array.from({ length: 20 }, () => ask<number>("/redefine", name));
    for (let i = 0; i < 10; i++) await ask("/evict", name);
    await Promise.all(changes);
    expect(await Promise.all(takes)).not.toContain(false);
    await ask("/evict", name);
    expect(await statsOf(name)).toMatchObject({ tokens: { used: 60 }, slots: { used: 0, capacity: 22 } });
  });

  it("each user keeps what was answered, and holds no slot too many, however often the object is evicted in the middle", async () => {
    const name = `users ${++names}`;
    const users = Array.from({ length: 12 }, (_, i) => `user ${i}`);
    const takes = users.flatMap((user) =>
      Array.from({ length: 6 }, () => ask<number>(`/user?user=${user}&ms=2`, name)),
    );
    for (let i = 0; i < 8; i++) {
      await sleep(30);
      await ask("/user-evict", name);
    }
    expect(Math.max(...(await Promise.all(takes)))).toBe(1);
    await ask("/user-evict", name);
    for (const user of users) {
      expect(await ask<Stats>(`/user-stats?user=${user}`, name)).toMatchObject({
        tokens: { used: 6 },
        slots: { used: 0 },
      });
    }
  });

  it("users lose nothing that was answered, whenever the process is killed", async () => {
    const name = `killed users ${++names}`;
    const users = Array.from({ length: 8 }, (_, i) => `user ${i}`);
    const ledger = users.map(() => ({ asked: 0, answered: 0 }));
    let isOver = false;
    const loops = users.map(async (user, i) => {
      while (!isOver && ledger[i]!.asked < 40) {
        ledger[i]!.asked++;
        if ((await ask<number>(`/user?user=${user}`, name).catch(() => undefined)) === undefined) return;
        ledger[i]!.answered++;
      }
    });
    await until(async () => ledger.every(({ answered }) => answered >= 5));
    await workerd.kill();
    isOver = true;
    await Promise.all(loops);
    await start();
    for (const [i, user] of users.entries()) {
      const { used } = (await ask<Stats>(`/user-stats?user=${user}`, name)).tokens;
      expect(used).toBeGreaterThanOrEqual(ledger[i]!.answered);
      expect(used).toBeLessThanOrEqual(ledger[i]!.asked);
    }
  });

  it("a waiter is granted on time, even if the waiter before it has vanished", async () => {
    const name = `paced ${++names}`;
    const waiting = async () => (await ask<Record<"calls", Row>>("/pace", name)).calls.waiting;
    await ask("/paced", name);
    // The first waiter sets the timer that all waiters depend on.
    const first = vanishing("/paced?", name);
    await until(async () => (await waiting()) === 1);
    const others = [ask("/paced", name), ask("/paced", name)];
    await until(async () => (await waiting()) === 3);
    first.vanish();
    expect(await Promise.all(others)).toEqual([{ calls: 1 }, { calls: 1 }]);
    expect(await waiting()).toBe(0);
  });

  it("a holder whose lease is lost learns of it by its signal", async () => {
    const name = `forgotten ${++names}`;
    const holder = ask("/hold?ms=2000", name);
    await until(async () => (await statsOf(name)).slots.used === 1);
    await ask("/forget", name);
    expect(await holder).toMatchObject({ lost: "ERR_LEASE_LOST" });
    expect((await statsOf(name)).slots.used).toBe(0);
  });

  it("a client renews a lease for as long as it lives", async () => {
    const name = `renewed ${++names}`;
    const holder = ask("/hold?ms=4000", name);
    await until(async () => (await statsOf(name)).slots.used === 1);
    await sleep(3_000);
    expect((await statsOf(name)).slots.used).toBe(1);
    expect(await holder).toMatchObject({ lost: null });
  });

  it("a client that vanishes gives back what it holds, and its waiters leave their lines", async () => {
    const name = `vanished ${++names}`;
    const holder = vanishing("/hold?slots=2&ms=20000", name);
    await until(async () => (await statsOf(name)).slots.used === 2);
    const waiter = vanishing("/hold?slots=2&ms=20000", name);
    await until(async () => (await statsOf(name)).slots.waiting === 1);
    const other = ask("/hold?slots=1", name);
    await until(async () => (await statsOf(name)).slots.waiting === 2);
    waiter.vanish();
    await until(async () => (await statsOf(name)).slots.waiting === 1);
    holder.vanish();
    await other;
    expect((await statsOf(name)).slots).toMatchObject({ used: 0, waiting: 0 });
  });

  it("an HTTP request that forgets a release gives back resources at its end, and gets no refund", async () => {
    const name = `careless ${++names}`;
    expect(await ask("/forgetful?slots=2&tokens=10", name)).toEqual({ slots: 2, tokens: 10 });
    await until(async () => (await statsOf(name)).slots.used === 0);
    expect((await statsOf(name)).tokens.used).toBe(10);
  });

  it("an idle object has no alarm, and stores no more than its definition and state", async () => {
    const name = `idle ${++names}`;
    for (let i = 0; i < 5; i++) await ask("/hold", name);
    await until(async () => (await ask<{ alarm: number | null }>("/look", name)).alarm === null);
    expect(await ask("/look", name)).toEqual({ alarm: null, names: ["definition", "state"] });
  });

  it("changed limits take over the usage and the held resources of the same keys", async () => {
    const name = `changed ${++names}`;
    const rate = (capacity: number, algorithm = "token-bucket", unit = 1) =>
      ({ type: "rate", key: "tokens", capacity, windowMs: 86_400_000_000, algorithm, unit }) as const;
    const slots = (capacity: number) => ({ type: "resource", key: "slots", capacity }) as const;
    const seen = await ask<Stats[]>("/changed", name, [
      { limits: [rate(100), slots(5)], take: { tokens: 30, slots: 4 } },
      { limits: [slots(5), rate(100)] },
      { limits: [rate(200, "sliding-window"), slots(3)] },
      { limits: [rate(20, "gcra", 0.5)] },
      { limits: [rate(100), slots(3)] },
    ]);
    expect(seen).toMatchObject([
      { tokens: { used: 30, available: 70 }, slots: { used: 4, available: 1 } },
      { tokens: { used: 30, available: 70 }, slots: { used: 4, available: 1 } },
      { tokens: { used: 30, available: 170 }, slots: { used: 4, available: -1 } },
      { tokens: { used: 30, available: -10 } },
      { tokens: { used: 30, available: 70 }, slots: { used: 0, available: 3 } },
    ]);
  });

  it("HTTP requests may share one connection", async () => {
    const name = `shared ${++names}`;
    const gone = vanishing("/shared?ms=20000", name);
    await until(async () => (await statsOf(name)).slots.used === 1);
    const all = Array.from({ length: 100 }, () => ask("/shared?ms=1", name));
    await until(async () => (await statsOf(name)).slots.waiting > 0);
    gone.vanish();
    for (const requested of await Promise.all(all)) expect(requested).toEqual({ tokens: 1, slots: 1 });
    expect(await statsOf(name)).toMatchObject({ tokens: { used: 101 }, slots: { used: 0, waiting: 0 } });
  });

  it("five hundred HTTP requests at once hold no slot and take no token too many", async () => {
    const name = `crowd ${++names}`;
    const held = await Promise.all(
      Array.from({ length: 500 }, () => ask<{ most: number }>("/hold?ms=2", name)),
    );
    expect(Math.max(...held.map(({ most }) => most))).toBe(2);
    const taken = await Promise.all(
      Array.from({ length: 500 }, () => ask<boolean>("/take?tokens=3&used=3", name)),
    );
    expect(taken.filter(Boolean)).toHaveLength(333);
    expect(await statsOf(name)).toMatchObject({ tokens: { used: 999 }, slots: { used: 0, waiting: 0 } });
  });
});
