/** Peers in real processes and in threads without shared memory, some of which are killed. */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { serveLimits } from "limitset/port";
import { describe, expect, onTestFinished, test } from "vitest";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Answer {
  id?: number;
  lost?: string;
  result?: unknown;
  error?: { name: string; code: string };
}

interface Channel {
  on(event: "message", listener: (message: Answer) => void): unknown;
}

/** A peer in a process or a thread. */
abstract class Peer {
  readonly lost: Promise<string>;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  #id = 0;

  constructor(channel: Channel, limits: LimitSet<never>) {
    serveLimits(limits, channel as never);
    this.lost = new Promise((resolve) => {
      channel.on("message", ({ id, ...answer }) => {
        if (answer.lost) resolve(answer.lost);
        if (id) this.#answers.get(id)?.(answer);
      });
    });
    onTestFinished(() => this.kill());
  }

  abstract send(message: object): void;
  /** Ends the process or thread at once. */
  abstract kill(): Promise<void>;

  async do<T = unknown>(command: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#id;
    const answer = await new Promise<Answer>((resolve) => {
      this.#answers.set(id, resolve);
      this.send({ id, command, args });
    });
    if (answer.error) throw Object.assign(new Error(answer.error.name), answer.error);
    return answer.result as T;
  }
}

class ProcessPeer extends Peer {
  readonly child: ChildProcess;

  constructor(limits: LimitSet<never>, serialization: "json" | "advanced" = "json") {
    const child = fork(path("./peer.js"), { serialization });
    super(child as unknown as Channel, limits);
    this.child = child;
  }

  send(message: object): void {
    this.child.send(message);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}

class ThreadPeer extends Peer {
  readonly worker: Worker;

  constructor(limits: LimitSet<never>) {
    const worker = new Worker(new URL("./peer.js", import.meta.url));
    super(worker, limits);
    this.worker = worker;
  }

  send(message: object): void {
    this.worker.postMessage(message);
  }

  async kill(): Promise<void> {
    await this.worker.terminate();
  }
}

function make(): LimitSet<"db" | "tokens"> {
  return new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: 2 }),
      new RateLimit({ key: "tokens", capacity: 1000, windowMs: 3_600_000 }),
    ],
    shared: false,
    missingUpdate: "charge",
  });
}

const KINDS = {
  "a process": (limits: LimitSet<never>) => new ProcessPeer(limits),
  "a process with advanced serialization": (limits: LimitSet<never>) => new ProcessPeer(limits, "advanced"),
  "a thread without shared memory": (limits: LimitSet<never>) => new ThreadPeer(limits),
};

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe.each(Object.entries(KINDS))("%s", (_, start) => {
  test("a peer takes, waits and gives back", async () => {
    const limits = make();
    const peer = start(limits as never);
    expect(await peer.do("acquire", { db: 2, tokens: 5 })).toEqual({ db: 2, tokens: 5 });
    const waiting = limits.acquire({ db: 1 });
    await peer.do("release");
    const held = await waiting;
    const there = peer.do("acquire", { db: 2 });
    await until(() => limits.waiting === 1);
    held.release();
    expect(await there).toEqual({ db: 2 });
    await expect(peer.do("acquire", { db: 1 }, { timeoutMs: 20 })).rejects.toMatchObject({
      name: "TimeoutError",
      code: "ERR_ACQUIRE_TIMEOUT",
    });
  });

  test("a peer that is killed while it holds and waits gives back everything, at once", async () => {
    const limits = make();
    const peer = start(limits as never);
    const other = start(limits as never);
    await peer.do("acquire", { db: 2, tokens: 7 });
    peer.do("queue", { db: 2 });
    await until(() => limits.waiting === 1);
    const next = other.do("acquire", { db: 2 });
    await until(() => limits.waiting === 2);
    await peer.kill();
    expect(await next).toEqual({ db: 2 });
    expect(limits.waiting).toBe(0);
    expect(limits.stats()).toMatchObject({ db: { used: 2 }, tokens: { used: 7 } });
  });

  test("peers that are killed while they acquire and release lose nothing, again and again", {
    timeout: 60_000,
  }, async () => {
    const limits = make();
    for (let round = 0; round < 5; round++) {
      const peers = [start(limits as never), start(limits as never)];
      for (const peer of peers) peer.do("rush", { db: 1 }).catch(() => {});
      await until(() => limits.stats().db.used > 0);
      await new Promise((resolve) => setTimeout(resolve, 20 * round));
      for (const peer of peers) await peer.kill();
      await until(() => limits.stats().db.used === 0 && limits.waiting === 0);
    }
    expect((await limits.acquire({ db: 2 })).successful).toBe(true);
  });
});

test("requests that wait are rejected when the host is killed", async () => {
  const host = fork(path("./host.js"), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  onTestFinished(() => void host.kill("SIGKILL"));
  let printed = "";
  host.stdout!.on("data", (data) => {
    printed += data;
    if (printed.includes("waiting")) host.kill("SIGKILL");
  });
  await once(host.stdout!, "close"); // The peer has stdout open too, so by now it has ended as well.
  expect(printed.trim().split("\n")).toEqual([
    "waiting",
    "BackendUnavailableError",
    "BackendUnavailableError",
  ]);
});

test("a cluster's worker that is killed gives back what it held", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path("./cluster.js")], { timeout: 25_000 });
  expect(JSON.parse(stdout)).toEqual({ taken: { db: 2 }, used: 2, waiting: 0 });
});

test("a connection keeps no process alive, a request that waits does", async () => {
  const limits = make();
  const spawn = (...args: string[]) => {
    const child = fork(path("./lifetime.js"), args);
    onTestFinished(() => void child.kill("SIGKILL"));
    serveLimits(limits, child);
    return child;
  };
  expect(await once(spawn(), "exit")).toEqual([0, null]);

  const held = limits.tryAcquire({ db: 2 });
  const waiting = spawn("waiting");
  await until(() => limits.waiting === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(waiting.exitCode).toBe(null);
  held.release();
  expect(await once(waiting, "exit")).toEqual([0, null]);
  await until(() => limits.stats().db.used === 0);

  const listening = spawn("listening");
  await new Promise<void>((resolve) => {
    listening.on("message", (message) => message === "listening" && resolve());
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(listening.exitCode).toBe(null);
  listening.send("end");
  expect(await once(listening, "exit")).toEqual([3, null]);
});
