/** A process that redefines a spread set again and again, until it is killed. */
import { Redis } from "ioredis";
import { CallLimit } from "limitset";
import { SpreadRedisLimitSet } from "limitset/redis";

const [port, name, slots] = process.argv.slice(2);
const calls = (/** @type {number} */ capacity) =>
  new CallLimit({ key: "calls", capacity, windowMs: 3_600_000, per: "user" });
const limits = new SpreadRedisLimitSet({
  name: `${name}`,
  client: new Redis(Number(port), "127.0.0.1"),
  limits: [calls(1000)],
  slots: Number(slots),
});
for (let capacity = 1000; ; capacity++) {
  await limits.redefine([calls(capacity)]);
  process.send?.(capacity);
}
