// A class of workers for the tests of every mode.
import { appendFileSync, existsSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { Worker } from "limitset/worker";

/** @typedef {import("limitset").Acquisition} Acquisition */
/** @typedef {import("limitset").AcquireOptions} AcquireOptions */

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class TooBusy extends Error {
  /** @param {string} message @param {number} status @param {ErrorOptions} [options] */
  constructor(message, status, options) {
    super(message, options);
    this.status = status;
  }

  get again() {
    return this.status === 429;
  }
}

export class Crew extends Worker {
  /** @override */
  static module = import.meta.url;
  #calls = 0;
  /** @type {Map<string, number>} */
  attempts = new Map();
  early;
  user;

  /** @param {string} [name] */
  constructor(name = "nobody") {
    super();
    if (name.startsWith("late") && !existsSync(name.slice(5))) throw new TooBusy("no more come in", 503);
    this.name = name;
    this.early = this.limits;
    this.user = name.startsWith("user ") ? this.limits.for({ user: name.slice(5) }) : undefined;
  }

  where() {
    this.#calls++;
    return { thread: threadId, process: process.pid, name: this.name, calls: this.#calls };
  }

  /** @param {number} a @param {number} b */
  add(a, b) {
    return a + b;
  }

  /** @template T @param {T} value */
  async echo(value) {
    return value;
  }

  function() {
    return /** @type {unknown} */ (() => {});
  }

  /** @param {unknown} listener */
  tell(listener) {
    /** @type {() => void} */ (listener)();
  }

  /** @param {number} ms @param {AbortSignal} [signal] */
  async sleep(ms, signal) {
    await sleep(ms);
    return signal?.aborted ?? false;
  }

  /** @param {string} text @param {{ signal: AbortSignal }} options */
  async until(text, { signal }) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return `${text}: ${signal.reason.name}`;
  }

  keys() {
    return [...this.limits.keys];
  }

  /** @param {string} key */
  async used(key) {
    return (await this.limits.stats())[key]?.used;
  }

  /** @param {Record<string, number>} amounts */
  async peek(amounts) {
    return this.limits.peek(amounts);
  }

  /** Peeks after its end. */
  async peekLater() {
    setTimeout(async () => {
      try {
        await this.limits.peek({ db: 1 });
      } catch (error) {
        this.attempts.set(/** @type {{ code: string }} */ (error).code, 1);
      }
    }, 5);
  }

  /** @param {Record<string, number>} amounts @param {number} [ms] */
  async hold(amounts, ms = 0) {
    const { tokens } = amounts;
    const acquisition = await this.limits.acquire(amounts);
    try {
      await sleep(ms);
      return acquisition.requested;
    } finally {
      if (tokens !== undefined) acquisition.update({ tokens });
      acquisition.release();
    }
  }

  /** Acquires on given terms. @param {Record<string, number>} amounts @param {AcquireOptions} options */
  async ask(amounts, options) {
    const { waitedMs, ahead } = await this.limits.acquire(amounts, options);
    return { waitedMs, ahead };
  }

  /** Acquires, and never releases. @param {Record<string, number>} [amounts] @param {number} [ms] */
  async keep(amounts, ms = 0) {
    const acquisition = await this.limits.acquire(amounts);
    await sleep(ms);
    return acquisition.requested;
  }

  /** Acquires and releases, and reports no usage. @param {Record<string, number>} amounts */
  async forget(amounts) {
    const acquisition = await this.limits.acquire(amounts);
    try {
      return "done";
    } finally {
      acquisition.release();
    }
  }

  /** Acquires a connection, and tokens while it holds that. @param {number} tokens @param {number} [ms] */
  async nested(tokens, ms = 5) {
    const connection = await this.limits.acquire({ db: 1 });
    try {
      const spent = await connection.acquire({ tokens });
      await sleep(ms);
      spent.update({ tokens });
      spent.release();
      return spent.requested;
    } finally {
      connection.release();
    }
  }

  /** @param {string} key */
  count(key) {
    const attempts = (this.attempts.get(key) ?? 0) + 1;
    this.attempts.set(key, attempts);
    return attempts;
  }

  /** Fails `times` times, and holds all that it can each time. @param {string} key @param {number} times */
  async stumble(key, times) {
    const attempt = this.count(key);
    await this.limits.acquire({ db: 1 });
    const inner = await this.help();
    await inner.acquire({ tokens: 5 });
    await this.limits.tryAcquire({ db: 0, call_count: 1, tokens: 1 });
    this.early.acquire({ db: 1 }).catch(() => {});
    if (attempt <= times) throw new TooBusy(`attempt ${attempt}`, 429);
    inner.update({ tokens: 2 });
    return attempt;
  }

  /** Takes of a user, and keeps it; fails `times` times. @param {string | null} user @param {string} key @param {number} times @param {Record<string, number>} [amounts] */
  async serve(user, key, times, amounts = {}) {
    const attempt = this.count(key);
    const view =
      user === "own" ? /** @type {import("limitset").Limits} */ (this.user) : this.limits.for({ user });
    const { requested, successful } = await view.tryAcquire(amounts);
    view.acquire(amounts).catch(() => {});
    if (attempt <= times) throw new TooBusy(`attempt ${attempt}: ${successful}`, 429);
    return { requested, waiting: view.waiting };
  }

  async help() {
    return await this.limits.acquire({ db: 1, tokens: 2, call_count: 0 });
  }

  /** Acquires, and fails `times` times. @param {string} key @param {number} times @param {Record<string, number>} [amounts] */
  async flaky(key, times, amounts = {}) {
    const attempt = this.count(key);
    const call = await this.limits.acquire(amounts);
    try {
      await sleep(1);
      if (attempt <= times) throw new TooBusy(`attempt ${attempt}`, 429);
      return attempt;
    } finally {
      call.release();
    }
  }

  /** Calls a method of its own that fails. @param {string} key @param {number} times */
  async outer(key, times) {
    this.count(`${key}, outside`);
    return await this.flaky(key, times);
  }

  /** Leaves code running that asks for limits later. */
  async leave() {
    setTimeout(() => this.limits.acquire({ db: 1 }).catch((error) => this.attempts.set(error.code, 1)), 5);
  }

  /** Waits for a connection. @param {number} timeoutMs */
  async wait(timeoutMs) {
    this.count("wait");
    (await this.limits.acquire({ db: 1 }, { timeoutMs })).release();
  }

  /** @param {string} key */
  attemptsOf(key) {
    return this.attempts.get(key) ?? 0;
  }

  /** @param {"TooBusy" | "TypeError" | "string" | "undefined" | "AggregateError" | "DOMException" | "Odd" | "circle"} kind */
  async fail(kind) {
    const cause = new RangeError("too far", { cause: "the wind" });
    switch (kind) {
      case "TooBusy":
        throw new TooBusy("later", 429, { cause });
      case "TypeError":
        throw new TypeError("not that");
      case "string":
        throw "a string";
      case "undefined":
        throw undefined;
      case "AggregateError":
        throw new AggregateError([new TooBusy("one", 1), cause], "several");
      case "DOMException":
        throw new DOMException("enough", "AbortError");
      case "circle": {
        const error = new Error("round");
        error.cause = error;
        throw error;
      }
      default: {
        const odd = Object.assign(new (class Odd extends TooBusy {})("odd", 1), {
          callback: () => {},
          at: new Date(0),
        });
        throw odd;
      }
    }
  }

  /** @param {"exit" | "kill" | "throw"} how @param {Record<string, number>} [amounts] */
  async die(how, amounts) {
    this.count("die");
    if (amounts) await this.limits.acquire(amounts);
    if (how === "exit") process.exit(3);
    else if (how === "kill") process.kill(process.pid, "SIGKILL");
    else setTimeout(() => process.nextTick(() => fall()), 0);
    await sleep(60_000);
  }

  async [Symbol.asyncDispose]() {
    if (this.name === "clumsy") throw new TooBusy("dropped", 500);
    if (this.name === "clingy") await new Promise(() => {});
    await sleep(1);
    if (this.name.startsWith("/")) appendFileSync(this.name, `${this.limits.keys.join()}\n`);
  }
}

function fall() {
  throw new TooBusy("fallen", 500);
}
