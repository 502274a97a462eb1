/** A Worker whose HTTP requests share the limits of an object, in real time. Each path does one thing that a test looks at. */
import { type LimitLike, RateLimit, ResourceLimit } from "limitset";
import {
  connectDurable,
  type DurableLimits,
  LimitSetObject,
  type ObjectNamespace,
} from "limitset/cloudflare";
import { limitFetch } from "limitset/fetch";

const DAYS_MS = 86_400_000 * 1000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Budget extends LimitSetObject {
  // The window is so long that no test sees a refill.
  static override limits = [
    new RateLimit({ key: "tokens", capacity: 1_000, windowMs: DAYS_MS }),
    new ResourceLimit({ key: "slots", capacity: 2 }),
  ];
  static override leaseMs = 1_500;

  alive(): boolean {
    return true;
  }

  evict(): void {
    (this.ctx as unknown as { abort(reason: string): void }).abort("evicted");
  }

  async forget(): Promise<void> {
    await (this.ctx.storage as unknown as { deleteAll(): Promise<void> }).deleteAll();
    this.evict();
  }

  async look(): Promise<{ alarm: number | null; names: string[] }> {
    const names = [...(await this.ctx.storage.list()).keys()];
    return { alarm: await this.ctx.storage.getAlarm(), names };
  }
}

/** An object whose waiters wait for time to pass. */
export class Paced extends LimitSetObject {
  static override limits = [new RateLimit({ key: "calls", capacity: 1, windowMs: 700 })];
}

/** An object in whose line no request may stand. */
export class Bounded extends LimitSetObject {
  static override limits = [new ResourceLimit({ key: "slots", capacity: 1 })];
  static override maxWaiting = 0;
  static override agingMs = 1_000;
}

/** An object with a state for each user. */
export class PerUser extends LimitSetObject {
  static override limits = [
    new RateLimit({ key: "tokens", capacity: 40, windowMs: DAYS_MS, per: "user" }),
    new ResourceLimit({ key: "slots", capacity: 1, per: "user" }),
  ];
  static override leaseMs = 1_500;

  evict(): void {
    (this.ctx as unknown as { abort(reason: string): void }).abort("evicted");
  }
}

/** An object whose limits change when it starts again. */
export class Changed extends LimitSetObject {
  protected override limitOptions() {
    return { ...definitions.now, leaseMs: 60_000 };
  }

  evict(): void {
    (this.ctx as unknown as { abort(reason: string): void }).abort("evicted");
  }
}

// The Worker and its objects are in one isolate: an object reads this when it starts.
const definitions: { now: { limits: LimitLike[] } } = { now: { limits: [] } };
const rooms = new Map<string, { now: number; most: number }>();

interface Env {
  readonly BOUNDED: ObjectNamespace;
  readonly BUDGET: ObjectNamespace;
  readonly CHANGED: ObjectNamespace;
  readonly PACED: ObjectNamespace;
  readonly PER_USER: ObjectNamespace;
}

interface Control {
  evict(): Promise<void>;
  forget(): Promise<void>;
  look(): Promise<unknown>;
}

// Shared by HTTP requests, as a connection at module scope is.
let shared: DurableLimits<"tokens" | "slots"> | undefined;

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const number = (name: string, otherwise: number) => Number(searchParams.get(name) ?? otherwise);
    const name = searchParams.get("name") ?? "one";
    const limits = connectDurable<typeof Budget>(env.BUDGET, name);
    const control = () => env.BUDGET.get(env.BUDGET.idFromName(name)) as unknown as Control;
    switch (pathname) {
      case "/take": {
        await using tried = await limits.tryAcquire({ tokens: number("tokens", 1), slots: 0 });
        if (tried.successful) tried.update({ tokens: number("used", number("tokens", 1)) });
        return Response.json(tried.successful);
      }
      case "/hold": {
        const slots = number("slots", 1);
        const inside = rooms.get(name) ?? { now: 0, most: 0 };
        rooms.set(name, inside);
        await using held = await limits.acquire({ slots }, { timeoutMs: number("timeout", 20_000) });
        inside.now += slots;
        inside.most = Math.max(inside.most, inside.now);
        await sleep(number("ms", 0));
        inside.now -= slots;
        const { reason } = held.signal;
        return Response.json({ lost: reason === undefined ? null : reason.code, most: inside.most });
      }
      case "/paced": {
        const paced = connectDurable<typeof Paced>(env.PACED, name);
        await using held = await paced.acquire({ calls: 1 });
        held.update({ calls: 1 });
        return Response.json(held.requested);
      }
      case "/pace":
        return Response.json(await connectDurable<typeof Paced>(env.PACED, name).stats());
      case "/user": {
        const users = connectDurable<typeof PerUser>(env.PER_USER, name);
        const user = searchParams.get("user")!;
        await using held = await users.for({ user }).acquire({ tokens: 1 }, { timeoutMs: 20_000 });
        const room = `${name} ${user}`;
        const inside = rooms.get(room) ?? { now: 0, most: 0 };
        rooms.set(room, inside);
        inside.most = Math.max(inside.most, ++inside.now);
        await sleep(number("ms", 0));
        inside.now--;
        held.update({ tokens: 1 });
        return Response.json(inside.most);
      }
      case "/user-stats": {
        const users = connectDurable<typeof PerUser>(env.PER_USER, name);
        return Response.json(await users.for({ user: searchParams.get("user")! }).stats());
      }
      case "/user-evict": {
        const stub = env.PER_USER.get(env.PER_USER.idFromName(name)) as unknown as Control;
        return Response.json(await stub.evict().catch(() => "evicted"));
      }
      case "/bounded": {
        const bounded = connectDurable<typeof Bounded>(env.BOUNDED, name);
        await using _held = await bounded.acquire();
        const { code, maxWaiting, retryAfterMs } = await bounded.acquire().catch((error) => error);
        return Response.json([code, maxWaiting, String(retryAfterMs)]);
      }
      case "/forgetful": {
        // The HTTP request ends without a release.
        const { requested } = await limits.acquire({
          slots: number("slots", 1),
          tokens: number("tokens", 0),
        });
        return Response.json(requested);
      }
      case "/shared": {
        shared ??= connectDurable<typeof Budget>(env.BUDGET, name);
        await using held = await shared.acquire({ tokens: 1 });
        await sleep(number("ms", 0));
        held.update({ tokens: 1 });
        return Response.json(held.requested);
      }
      case "/redefine": {
        await limits.redefine((current) =>
          current.map((limit) =>
            limit.type === "resource" ? { ...limit, capacity: limit.capacity + number("more", 1) } : limit,
          ),
        );
        return Response.json(limits.get("slots").capacity);
      }
      case "/fetched": {
        const refusal = new Response("slow down", { status: 429, headers: { "retry-after-ms": "300" } });
        const answers = [refusal, Response.json("hello")];
        const sentAt: number[] = [];
        const send = limitFetch(limits, {
          cost: () => ({ tokens: 40, slots: 1 }),
          usage: ({ status }) => ({ tokens: status === 200 ? 7 : 0 }),
          fetch: async () => {
            sentAt.push(Date.now());
            return answers.shift()!;
          },
        });
        const refused = await (await send("https://api.example.com/")).text();
        const refusedAt = Date.now();
        const good = await send("https://api.example.com/");
        const [, isFor = 0] = sentAt;
        const held = (await limits.stats()).slots.used;
        return Response.json([refused, held, await good.json(), isFor - refusedAt]);
      }
      case "/stats":
        return Response.json(await limits.stats());
      case "/evict":
        return Response.json(
          await control()
            .evict()
            .catch(() => "evicted"),
        );
      case "/forget":
        return Response.json(
          await control()
            .forget()
            .catch(() => "forgotten"),
        );
      case "/look":
        return Response.json(await control().look());
      case "/changed": {
        const stub = () => env.CHANGED.get(env.CHANGED.idFromName(name)) as unknown as Control;
        const changed = connectDurable(env.CHANGED, name);
        const steps = (await request.json()) as {
          limits: LimitLike[];
          take?: Record<string, number>;
        }[];
        const seen: unknown[] = [];
        for (const { limits, take } of steps) {
          definitions.now = { limits };
          await stub()
            .evict()
            .catch(() => {});
          if (take) await changed.acquire(take);
          seen.push(await changed.stats());
        }
        return Response.json(seen);
      }
      default:
        return new Response("?", { status: 404 });
    }
  },
};
