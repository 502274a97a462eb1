/** The pause of a user that one thread begins or ends, and waiters in several threads. */
import { CallLimit, LimitSet } from "limitset";
import { expect, test } from "vitest";
import { Peer } from "./peer.ts";

test("a user that another thread pauses holds up no other user, in no thread, and goes on when it is resumed there", async () => {
  const limits = new LimitSet({
    limits: [
      new CallLimit({ key: "all", capacity: 1, windowMs: 20 }),
      new CallLimit({ key: "each", capacity: 100, windowMs: 1000, per: "user" }),
    ],
  });
  const peer = new Peer(limits as unknown as LimitSet<never>);
  const [alice, bob] = [limits.for({ user: "alice" }), limits.for({ user: "bob" })];
  const granted: string[] = [];
  const ask = (view: typeof alice, name: string) => view.acquire().then(() => granted.push(name));
  await peer.do("pause", "alice");
  const paused = [ask(alice, "alice"), ask(alice, "alice")];
  const others = [ask(bob, "bob"), ask(bob, "bob"), ask(bob, "bob")];
  await Promise.all(others);
  // A waiter that has been passed over for a while makes a claim on the limits of all: one that is paused does not.
  expect(await peer.do("acquireFor", "carol", { timeoutMs: 10_000 })).toBe(true);
  expect(granted).toEqual(["bob", "bob", "bob"]);
  await peer.do("resume", "alice");
  await Promise.all(paused);
  // While they wait already.
  const [first, second] = [ask(alice, "alice"), ask(alice, "alice")];
  await peer.do("pause", "alice");
  await ask(bob, "bob");
  await peer.do("resume", "alice");
  await Promise.all([first, second]);
  limits.close();
});
