/** Guards whose set lives elsewhere, and is not reached at first, or does not answer in time. */
import { expect, test } from "vitest";
import { type GuardOptions, guard } from "../../src/http/index.ts";
import { AcquireTimeoutError, BackendUnavailableError, CallLimit, LimitSet } from "../../src/index.ts";
import { RedisLimitSet } from "../../src/redis/index.ts";
import { clientFor, describeRedis, serverFor } from "../redis/server.ts";

const CALLS = new CallLimit({ capacity: 9, windowMs: 60_000 });
const request = () => new Request("https://example.com/");

/** A set as those elsewhere are: its limits are known once it has been reached. Each reader of `ready` is another HTTP request. */
function remote(reach: () => Promise<void>) {
  const set = new LimitSet({ limits: [CALLS] });
  let isKnown = false;
  const limits = new Proxy(set, {
    has: (target, name) => typeof name === "string" && name in target,
    get(target, name) {
      if (name === "keys" && !isKnown) throw new BackendUnavailableError("not known yet");
      if (name === "ready") {
        return reach().then(() => {
          isKnown = true;
        });
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return limits;
}

test("a set that could not be reached is asked again by the next HTTP request, and by none once it is known", async () => {
  let asked = 0;
  const limits = remote(async () => {
    if (++asked < 3) throw new BackendUnavailableError("the object cannot be reached");
  });
  // A Worker may make it where nothing can be asked for: outside of any HTTP request.
  const serve = guard(limits).handler(() => new Response("hello"));
  expect(asked).toBe(0);
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await serve(request())).status);
  expect([statuses, asked]).toEqual([[503, 503, 200, 200, 200], 3]);
});

test("HTTP requests that come before the set is known do not await each other's promise", async () => {
  let asked = 0;
  const ends: (() => void)[] = [];
  const limits = remote(
    () =>
      new Promise((resolve) => {
        asked++;
        ends.push(resolve);
      }),
  );
  const serve = guard(limits).handler(() => new Response("hello"));
  const [first, second] = [serve(request()), serve(request())];
  expect(asked).toBe(2);
  // The first of them is dropped by its runtime.
  ends[1]!();
  expect((await second).status).toBe(200);
  ends[0]!();
  expect((await first).status).toBe(200);
});

test("a request of a set in this isolate that no limit refused at the end is 503: the thread was blocked", async () => {
  const set = new LimitSet({ limits: [CALLS] });
  set.tryAcquire({ call_count: 9 });
  const late = () => Promise.reject(new AcquireTimeoutError(50, []));
  const limits = Object.assign(set, { acquire: late as never });
  const whys: string[] = [];
  const serve = guard(limits, {
    ...{ maxWaitMs: 50, whenAway: "pass" },
    onRefused: ({ why }) => whys.push(why),
  }).handler(() => new Response("hello"));
  const answer = await serve(request());
  expect([answer.status, whys]).toEqual([503, ["full"]]);
});

describeRedis("a Redis server that does not answer within maxWaitMs", () => {
  async function send(options: GuardOptions) {
    const server = await serverFor();
    const limits = new RedisLimitSet({ name: "guard", client: clientFor(server), limits: [CALLS] });
    const whys: string[] = [];
    const serve = guard(
      limits as never,
      {
        ...options,
        maxWaitMs: 50,
        onRefused: ({ why }: { why: string }) => whys.push(why),
      } as never,
    ).handler(() => new Response("hello"));
    expect((await serve(request())).status).toBe(200);
    server.signal("SIGSTOP");
    const answer = await serve(request());
    server.signal("SIGCONT");
    return { answer, whys };
  }

  test("is one that cannot be reached: 503, since no limit is known to be violated", async () => {
    const { answer, whys } = await send({});
    expect([answer.status, answer.headers.get("retry-after"), whys]).toEqual([503, null, ["away"]]);
    expect(await answer.json()).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
      "violated-policies": [],
    });
  });

  test('lets pass, if whenAway is "pass"', async () => {
    const { answer, whys } = await send({ whenAway: "pass" });
    expect([answer.status, whys]).toEqual([200, ["away"]]);
  });
});
