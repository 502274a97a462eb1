/** A Worker whose objects have a storage in which one statement fails: which one, the HTTP request says. */
import { RateLimit } from "limitset";
import { connectDurable, LimitSetObject, type ObjectNamespace } from "limitset/cloudflare";

const windowMs = 86_400_000 * 1000;
const tokens = { counts: "tokens", windowMs } as const;
const LIMITS = [
  new RateLimit({ ...tokens, key: "all", capacity: 1000 }),
  new RateLimit({ ...tokens, key: "each", capacity: 100, per: "user" }),
  new RateLimit({ ...tokens, key: "address", capacity: 100, per: "ip" }),
];

// The Worker and its objects are in one isolate. So many statements that write have yet to come until one fails.
let untilFailure = Number.POSITIVE_INFINITY;

/** The state of an object, in whose tables a statement can fail. */
function withFailures(state: LimitSetObject["ctx"]): LimitSetObject["ctx"] {
  const bound = <T extends object>(target: T, own: object): T =>
    new Proxy(target, {
      get(_, name) {
        if (name in own) return own[name as never];
        const value = target[name as never] as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const { storage } = state;
  const sql = bound(storage.sql!, {
    exec(query: string, ...bindings: never[]) {
      if (!/^(SELECT|CREATE)/.test(query) && --untilFailure === 0)
        throw new Error("disk I/O error: SQLITE_IOERR");
      return storage.sql!.exec(query, ...bindings);
    },
  });
  return bound(state, { storage: bound(storage, { sql }) });
}

export class Failing extends LimitSetObject {
  static override limits = LIMITS;
  static override missingUpdate = "charge" as const;

  constructor(state: LimitSetObject["ctx"], environment: unknown) {
    super(state as never, environment as never);
    Object.defineProperty(this, "ctx", { value: withFailures(state) });
  }

  evict(): void {
    (this.ctx as unknown as { abort(reason: string): void }).abort("evicted");
  }
}

export default {
  async fetch(request: Request, env: { FAILING: ObjectNamespace }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const name = searchParams.get("name")!;
    const limits = connectDurable<typeof Failing>(env.FAILING, name);
    const stub = () => env.FAILING.get(env.FAILING.idFromName(name)) as unknown as { evict(): Promise<void> };
    const view = limits.for({ user: "alice", ip: "home" });
    untilFailure = Number(searchParams.get("fail") ?? Number.POSITIVE_INFINITY);
    switch (pathname) {
      case "/take": {
        const taken = await view.tryAcquire({ tokens: 1 }).catch((error: Error) => error);
        if (taken instanceof Error) return Response.json(taken.message);
        taken.update({ tokens: 1 });
        await taken.release();
        return Response.json(taken.successful);
      }
      case "/redefine": {
        const twice = LIMITS.map((limit) => ({ ...limit, capacity: 2 * limit.capacity }));
        const error = await limits.redefine(twice as never).catch((thrown: Error) => thrown.message);
        return Response.json(error ?? "done");
      }
      case "/stats": {
        // As the storage has it.
        await stub()
          .evict()
          .catch(() => {});
        const stats = await view.stats();
        return Response.json(Object.values(stats).map(({ used, capacity }) => [used, capacity]));
      }
      case "/fill": {
        for (let i = 0; i < 50; i++)
          (await limits.for({ user: `user ${i}`, ip: null }).tryAcquire({ tokens: 1 })).release();
        return Response.json("filled");
      }
      default: {
        const user = await limits.for({ user: searchParams.get("user")!, ip: null }).stats();
        return Response.json([user.each.used, user.each.capacity]);
      }
    }
  },
};
