/** Servers that refuse: rights, passwords, commands, keys of another type. And a user that has exactly the rights of the docs. */
import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import {
  BackendRefusedError,
  BackendUnavailableError,
  type LimitError,
  RateLimit,
  ResourceLimit,
} from "limitset";
import { type RedisClient, RedisLimitSet, type RedisLimitSetOptions } from "limitset/redis";
import { createClient } from "redis";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandAt, commands, script } from "../../src/redis/script/index.ts";
import { clientFor, describeRedis, type RedisServer, serverFor } from "./server.ts";

const TOKENS = new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 });
const DB = new ResourceLimit({ key: "db", capacity: 1 });
const PASSWORD = "secret";

/** The line of the docs that makes a user with all rights that a set needs. */
const RIGHTS = /ACL SETUSER limiter on >secret (.*)/
  .exec(readFileSync(new URL("../../docs/redis.md", import.meta.url), "utf8"))![1]!
  .split(" ");

interface User {
  readonly username?: string;
  readonly password?: string;
}

const CLIENTS: Record<"ioredis" | "node-redis", (server: RedisServer, user: User) => RedisClient> = {
  ioredis: (server, user) => clientFor(server, { ...user, enableReadyCheck: false }),
  "node-redis": ({ port }, user) => {
    const client = createClient({ ...user, socket: { port, host: "127.0.0.1" } });
    client.on("error", () => {});
    client.connect().catch(() => {});
    onTestFinished(() => client.destroy());
    return client as RedisClient;
  },
};

const NAMES = ["ioredis", "node-redis"] as const;

/** A user of a server, with these rights and no other. */
async function userOf(server: RedisServer, rights: readonly string[]): Promise<User> {
  const admin = clientFor(server);
  await admin.call("ACL", "SETUSER", "limiter", "reset", "on", `>${PASSWORD}`, "resetchannels", ...rights);
  return { username: "limiter", password: PASSWORD };
}

function setOf(
  client: RedisClient,
  options: Partial<RedisLimitSetOptions<"tokens" | "db">> = {},
): RedisLimitSet<"tokens" | "db"> {
  const limits = new RedisLimitSet({
    name: "guarded",
    limits: [TOKENS, DB],
    client,
    missingUpdate: "charge",
    deadlineMs: 60_000,
    ...options,
  });
  onTestFinished(() => void limits.close());
  return limits;
}

const failure = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Checks that all requests are refused at once, and readings too; returns the message. */
async function refused(limits: RedisLimitSet<"tokens" | "db">, reads = true): Promise<string> {
  const errors = await Promise.all([
    failure(limits.acquire({ tokens: 1 })),
    failure(limits.acquire({ tokens: 1 }, { timeoutMs: 50_000 })),
    failure(limits.tryAcquire({ tokens: 1 })),
    ...(reads ? [failure(limits.stats())] : []),
  ]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(BackendRefusedError);
    expect(error).not.toBeInstanceOf(BackendUnavailableError);
    expect(error).toMatchObject({ code: "ERR_BACKEND_REFUSED", name: "BackendRefusedError" });
    expect((error as Error).cause).toBeInstanceOf(Error);
  }
  return (errors[0] as Error).message;
}

describe("the commands of the script", () => {
  test("all commands of the script are among the rights of the docs", () => {
    for (const command of commands) expect(RIGHTS).toContain(`+${command.toLowerCase()}`);
  });

  test("the command of a line of the script is found", () => {
    const line = script.split("\n").findIndex((text) => text.includes('"PEXPIRE"'));
    expect(commandAt(line + 1)).toBe("PEXPIRE");
    expect(commandAt(1)).toBeUndefined();
    expect(commandAt(1_000_000)).toBeUndefined();
  });
});

describeRedis("rights", () => {
  test.each(NAMES)("a user with exactly the rights of the docs uses a set to the full (%s)", async (name) => {
    const server = await serverFor();
    const user = await userOf(server, RIGHTS);
    const warnings: LimitError[] = [];
    const options = { leaseMs: 300, onWarning: (warning: LimitError) => warnings.push(warning) };
    const [mine, theirs] = [1, 2].map(() => setOf(CLIENTS[name](server, user), options)) as [
      RedisLimitSet<"tokens" | "db">,
      RedisLimitSet<"tokens" | "db">,
    ];
    const held = await theirs.acquire({ tokens: 60 });
    expect((await mine.tryAcquire({ tokens: 41 })).limitedBy).toEqual(["tokens", "db"]);
    const waiter = mine.acquire({ tokens: 1 });
    // Longer than a lease: it is renewed, and sessions that have ended are removed.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(held.signal.aborted).toBe(false);
    held.release();
    (await waiter).release();
    const other = setOf(CLIENTS[name](server, user), { limits: [TOKENS, DB].reverse(), version: 1 });
    expect((await other.stats()).tokens.used).toBe(61);
    await Promise.all([mine.close(), theirs.close(), other.close()]);
    expect(warnings).toEqual([]);
    const log = (await clientFor(server).call("ACL", "LOG")) as unknown[];
    // Clients tell their name and version if they may.
    expect(log.filter((entry) => !/client\|setinfo/.test(String(entry)))).toEqual([]);
  });

  const WITHOUT = ["evalsha", "hmget", "hset", "time"];
  test.each(NAMES.flatMap((name) => WITHOUT.map((right) => [name, right] as const)))(
    "without a right a request is refused at once, and the error names it (%s, %s)",
    async (name, right) => {
      const server = await serverFor();
      const user = await userOf(
        server,
        RIGHTS.filter((each) => each !== `+${right}`),
      );
      const limits = setOf(CLIENTS[name](server, user));
      // A reading needs no right to write.
      const message = await refused(limits, right !== "hset");
      expect(message).toContain(`${right.toUpperCase()} is refused`);
      expect(message).toContain(`allow ${right.toUpperCase()}`);
      expect(message).toContain("&limitset:{guarded}");
    },
  );

  test.each(NAMES)(
    "a user without the key is refused at once, and the error names the key (%s)",
    async (name) => {
      const server = await serverFor();
      const user = await userOf(
        server,
        RIGHTS.map((each) => (each.startsWith("~") ? "~other:*" : each)),
      );
      expect(await refused(setOf(CLIENTS[name](server, user)))).toContain("~limitset:{guarded}");
    },
  );

  const LOCKED: readonly (readonly [string, User])[] = [
    ["a wrong password", { username: "limiter", password: "wrong" }],
    ["no password", {}],
  ];
  test.each(NAMES.flatMap((name) => LOCKED.map(([title, user]) => [name, title, user] as const)))(
    "a client with a server that does not let it in is refused at once (%s, %s)",
    async (name, _, user) => {
      const server = await serverFor();
      await userOf(server, RIGHTS);
      await clientFor(server).config("SET", "requirepass", "other");
      const limits = setOf(CLIENTS[name](server, user));
      expect(await refused(limits)).toMatch(
        /(WRONGPASS|NOAUTH|unauthenticated).*give the client the user and the password/,
      );
    },
  );

  test.each(NAMES)("a server without a command is refused at once (%s)", async (name) => {
    const server = await serverFor("--rename-command", "EVALSHA", "");
    const message = await refused(setOf(CLIENTS[name](server, {})));
    expect(message).toContain("the server must have the command EVALSHA");
  });

  test("a request is refused at once if the key of the set holds something else", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    await client.set("limitset:{guarded}", "mine");
    const limits = setOf(client);
    expect(await refused(limits)).toContain('the key "limitset:{guarded}" must be the set\'s alone');
    await client.del("limitset:{guarded}");
    expect((await limits.acquire({ tokens: 1 })).successful).toBe(true);
  });

  test.each(["allow", "local"] as const)(
    "nothing stands in for a server that refuses (%s)",
    async (whenAway) => {
      const server = await serverFor();
      const user = await userOf(server, ["+evalsha", "~*"]);
      const away = whenAway === "local" ? { whenAway, localShare: 1 } : { whenAway };
      for (const client of [
        CLIENTS.ioredis(server, user),
        CLIENTS.ioredis(server, { ...user, password: "wrong" }),
      ]) {
        const limits = setOf(client, { ...away, deadlineMs: 500 });
        for (let times = 0; times < 3; times++) await refused(limits);
      }
    },
  );

  test("waiters are refused when the server begins to refuse, and the set works again when it allows", async () => {
    const server = await serverFor();
    const user = await userOf(server, RIGHTS);
    const limits = setOf(CLIENTS.ioredis(server, user), { leaseMs: 600 });
    const held = await limits.acquire({ tokens: 1 });
    const waiters = [1, 2, 3].map(() => failure(limits.acquire({ tokens: 1 })));
    await limits.stats();
    await clientFor(server).call("ACL", "SETUSER", "limiter", "-evalsha");
    for (const error of await Promise.all(waiters)) expect(error).toBeInstanceOf(BackendRefusedError);
    await expect.poll(() => held.signal.aborted).toBe(true);
    await clientFor(server).call("ACL", "SETUSER", "limiter", "+evalsha");
    await expect
      .poll(() =>
        limits.acquire({ tokens: 1 }).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });
});

describeRedis("the cause", () => {
  const unavailable = async (limits: RedisLimitSet<"tokens" | "db">): Promise<BackendUnavailableError> => {
    const error = await failure(limits.acquire({ tokens: 1 }));
    expect(error).toBeInstanceOf(BackendUnavailableError);
    return error as BackendUnavailableError;
  };

  test.each(NAMES)("a server without memory is named as the cause (%s)", async (name) => {
    const server = await serverFor();
    const limits = setOf(CLIENTS[name](server, {}), { deadlineMs: 200 });
    await limits.stats();
    await clientFor(server).config("SET", "maxmemory", "1");
    const error = await unavailable(limits);
    expect(error.message).toMatch(/the server cannot do it: OOM command not allowed/);
    expect((error.cause as Error).message).toMatch(/^OOM/);
  });

  test.each(NAMES)("a refused connection is named as the cause (%s)", async (name) => {
    const server = await serverFor();
    await server.kill();
    const error = await unavailable(setOf(CLIENTS[name](server, {}), { deadlineMs: 300 }));
    expect(error.message).toMatch(/the server cannot be reached: .*ECONNREFUSED/);
    expect((error.cause as { code: string }).code).toBe("ECONNREFUSED");
  });

  test("a refused connection is named as the cause, though nothing listens for the client's errors", async () => {
    const server = await serverFor();
    await server.kill();
    const client = new Redis(server.port, "127.0.0.1");
    onTestFinished(() => client.disconnect());
    const error = await unavailable(setOf(client, { deadlineMs: 300 }));
    expect(error.message).toContain("ECONNREFUSED");
  });

  test.each(NAMES)("a client that was ended is named as the cause (%s)", async (name) => {
    const client = CLIENTS[name](await serverFor(), {});
    const limits = setOf(client, { deadlineMs: 200 });
    await limits.stats();
    const { disconnect, destroy } = client as { disconnect?(): void; destroy?(): void };
    (destroy ?? disconnect)!.call(client);
    const error = await unavailable(limits);
    expect(error.message).toMatch(/[Cc]onnection is closed|client is closed/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("an error of the script is named as the cause", async () => {
    const server = await serverFor();
    const client = clientFor(server);
    const limits = setOf(client);
    await limits.acquire({ tokens: 1 });
    const name = (await client.hkeys("limitset:{guarded}")).find((field) => field.startsWith("n"))!;
    await client.hset("limitset:{guarded}", name, "no numbers");
    const error = await unavailable(limits);
    expect(error.message).toMatch(/ERR .*user_script/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("a server that does not answer says so", async () => {
    const server = await serverFor();
    const limits = setOf(clientFor(server), { deadlineMs: 200 });
    await limits.stats();
    server.signal("SIGSTOP");
    expect((await unavailable(limits)).message).toBe("the server cannot be reached: no answer within 200 ms");
    server.signal("SIGCONT");
  });
});
