/** The bodies of `run` are checked before anything is taken for them. */
import { expect, onTestFinished, test } from "vitest";
import { LimitSet, type Limits, ResourceLimit } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";

const limits = [new ResourceLimit({ key: "db", capacity: 1 })];
const script = async () => "";

const SETS: Readonly<Record<string, () => Limits<"db">>> = {
  "a LimitSet": () => new LimitSet({ limits }),
  "a view": () => new LimitSet({ limits: [{ ...limits[0]!, per: "user" }] }).for({ user: "alice" }),
  "a connected set": () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serveLimits(new LimitSet({ limits }), port1);
    return connectLimits<"db">(port2);
  },
  "a RedisLimitSet": () =>
    new RedisLimitSet({
      ...{ name: "bodies", limits },
      client: { evalsha: script, eval: script, scriptLoad: script },
    }),
};

test.each(Object.entries(SETS))(
  "run of %s without a body is an error, and takes nothing",
  async (_, make) => {
    const set = make();
    const running = set.run({ db: 1 }, "body" as never);
    await expect(running).rejects.toMatchObject({
      code: "ERR_INVALID_REQUEST",
      message: 'the body must be a function, which gets the acquisition, got "body"',
    });
    if (!(set instanceof RedisLimitSet)) expect((await set.stats()).db.used).toBe(0);
  },
);
