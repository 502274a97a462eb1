/** A set in an object, as the tests use it: each call is carried out by `connectDurable`'s limits in a Worker. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import type {
  AcquireOptions,
  Acquisition,
  Amounts,
  Awaitable,
  Limit,
  Limits,
  Prospect,
} from "../../src/index.ts";
import type { RedefineOptions, Redefinition } from "../../src/limits/era.ts";
import { tierOf } from "../../src/limits/limits.ts";
import {
  NAMELESS,
  type Naming,
  nameMore,
  type PartitionNames,
  type ViewOptions,
} from "../../src/limits/partition-names.ts";
import { Requests } from "../../src/limits/requests.ts";
import type { LimitStats } from "../../src/limits/stats.ts";
import { asyncDispose, dispose } from "../../src/platform/dispose.ts";
import { HandingOn, type SentChange } from "../../src/remote/changes.ts";
import { unpackError } from "../../src/remote/packed-errors.ts";
import { knownOf } from "../../src/views/shape.ts";
import { runRemotely } from "../conformance/run-remotely.ts";
import { type Answer, decode, encode, type WireAcquisition, type WireFacts, type WireView } from "./wire.ts";

interface Pending {
  resolve(value: never): void;
  reject(error: unknown): void;
  readonly signal: AbortSignal | undefined;
}

/** One HTTP request to the Worker, as long as it is open. It carries many calls. */
export class Channel {
  readonly #request: ClientRequest;
  readonly #pending = new Map<number, Pending>();
  readonly #followers = new Map<string, (facts: WireFacts) => void>();
  #number = 0;

  static async open(url: string): Promise<Channel> {
    const outgoing = request(url, { method: "POST" });
    outgoing.on("error", () => {});
    outgoing.flushHeaders();
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    return new Channel(outgoing, response);
  }

  private constructor(outgoing: ClientRequest, response: IncomingMessage) {
    this.#request = outgoing;
    const lines = createInterface(response);
    lines.on("line", (line) => line && this.#hear(decode(line) as Answer));
    const gone = () => {
      for (const { reject } of this.#pending.values()) reject(new Error("the channel is closed"));
      this.#pending.clear();
    };
    lines.on("error", gone);
    response.on("close", gone).on("error", gone);
  }

  ask<T>(op: string, args: readonly unknown[], signal?: AbortSignal): Promise<T> {
    const number = ++this.#number;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(number, { resolve, reject, signal });
      this.#request.write(`${encode({ number, op, args })}\n`);
    });
  }

  /** Tells of the definitions that the set of this name has from now on. */
  follow(name: string, follower: (facts: WireFacts) => void): void {
    this.#followers.set(name, follower);
  }

  close(): void {
    this.#request.end();
  }

  /** Breaks the connection: the platform cancels the HTTP request. */
  vanish(): void {
    this.#request.socket!.resetAndDestroy();
  }

  #hear({ number, value, error, isAborted, facts = {} }: Answer): void {
    for (const [name, each] of Object.entries(facts)) this.#followers.get(name)?.(each);
    const { resolve, reject, signal } = this.#pending.get(number)!;
    this.#pending.delete(number);
    if (isAborted) reject(signal!.reason);
    else if (error) reject(unpackError(error));
    else resolve(value as never);
  }
}

let signals = 0;

interface Facts<K extends string> {
  readonly keys: readonly K[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly definitions: readonly Limit<K>[];
}

export class RemoteLimits<K extends string> extends HandingOn<K, K, Promise<void>> implements Limits<K> {
  readonly config: Readonly<Record<string, unknown>>;
  readonly #channel: Channel;
  readonly #name: string;
  #told: Facts<K>;
  /** Of the set, as it is by now. */
  readonly #facts: () => Facts<K>;
  readonly #naming: Naming;
  readonly #requests: { waiting: number };

  /** Opens a new set, whose clock reads `start`. */
  static async open<K extends string>(
    channel: Channel,
    name: string,
    options: Readonly<Record<string, unknown>> | undefined,
  ): Promise<RemoteLimits<K>> {
    const facts = await channel.ask(options ? "open" : "join", [name, options]);
    return new RemoteLimits<K>(channel, name, facts as never);
  }

  private constructor(
    channel: Channel,
    name: string,
    told: Facts<K>,
    naming: Naming = NAMELESS,
    facts?: () => Facts<K>,
    requests = { waiting: 0 },
  ) {
    super();
    this.#channel = channel;
    this.#naming = naming;
    this.#requests = requests;
    this.#name = name;
    this.config = told.config;
    this.#told = told;
    this.#facts = facts ?? (() => this.#told);
    if (naming === NAMELESS)
      channel.follow(name, (facts) => {
        this.#told = { ...told, ...(facts as Pick<Facts<K>, "keys" | "definitions">) };
      });
  }

  for(names: PartitionNames, options: ViewOptions = {}): this {
    const naming = nameMore(this.#naming, names, options, knownOf({ limits: this.#definitions }));
    if (naming === this.#naming) return this;
    const facts = this.#facts;
    return new RemoteLimits<K>(this.#channel, this.#name, facts(), naming, facts, this.#requests) as this;
  }

  /** The set or the view, as the Worker finds it. */
  get #whom(): string | WireView {
    const { names, tier } = this.#naming;
    return this.#naming === NAMELESS
      ? this.#name
      : { name: this.#name, names: Object.fromEntries(names), ...(tier !== undefined && { tier }) };
  }

  get keys(): readonly K[] {
    return this.#facts().keys;
  }

  /** How many of the set's requests wait: its views count with it. */
  get waiting(): number {
    return this.#requests.waiting;
  }

  get #definitions(): readonly Limit<K>[] {
    return this.#facts().definitions;
  }

  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    return this.#take("acquire", this.#whom, requested, options);
  }

  async tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>> {
    return this.#held(await this.#channel.ask("tryAcquire", [this.#whom, requested]));
  }

  peek(requested?: Amounts<K>): Promise<Prospect<K>> {
    return this.#channel.ask("peek", [this.#whom, requested]);
  }

  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runRemotely(await this.acquire(requested, options), body, options?.signal);
  }

  stats(): Promise<Record<K, LimitStats>> {
    return this.#channel.ask("stats", [this.#whom]);
  }

  get(key: K) {
    const index = new Requests(this.#definitions).indexOf(key);
    const limit = tierOf(this.#definitions[index]!, this.#naming.tier);
    return { ...limit, stats: async () => (await this.stats())[key] };
  }

  protected handOn(change: SentChange): Promise<void> {
    return this.#channel.ask("change", [this.#whom, change]);
  }

  async redefine(limits: Redefinition, options?: RedefineOptions): Promise<void> {
    if (this.#naming !== NAMELESS) return this.#channel.ask("view", [this.#whom, "redefine", limits]);
    const ask = (list: unknown, of?: unknown) =>
      this.#channel.ask<boolean>("redefine", [this.#name, list, options, of]);
    if (typeof limits !== "function") {
      await ask(limits);
      return;
    }
    // The function is here, and the set there: it is called again if the set was redefined meanwhile.
    for (let isDone = false; !isDone; ) {
      const current = this.#definitions;
      isDone = await ask(limits(current), current);
    }
  }

  close(): Promise<void> {
    if (this.#naming !== NAMELESS) return this.#channel.ask("view", [this.#whom, "close"]);
    return this.#channel.ask("close", [this.#name]);
  }

  /** Moves the clock. */
  move(how: "advance" | "set", ms: number): Promise<void> {
    return this.#channel.ask(how, [this.#name, ms]);
  }

  /** Ends the object. The next call starts it again. */
  evict(): Promise<void> {
    return this.#channel.ask("evict", [this.#name]);
  }

  async #take(
    op: string,
    whom: unknown,
    requested?: Amounts<K>,
    options?: AcquireOptions,
  ): Promise<Acquisition<K>> {
    const { signal, ...terms } = options ?? {};
    signal?.throwIfAborted();
    const number = signal && ++signals;
    const abort = () => void this.#channel.ask("abort", [number]);
    signal?.addEventListener("abort", abort);
    this.#requests.waiting++;
    try {
      return this.#held(await this.#channel.ask(op, [whom, requested, terms, number], signal));
    } finally {
      this.#requests.waiting--;
      signal?.removeEventListener("abort", abort);
    }
  }

  #held({ number, ...facts }: WireAcquisition): Acquisition<K> {
    const release = () => this.#channel.ask<void>("release", [number]);
    return {
      ...(facts as unknown as Acquisition<K>),
      update: (usage) => this.#channel.ask("update", [number, usage]) as never,
      acquire: (requested, options) => this.#take("nested", number, requested, options),
      release: release as never,
      [dispose]: () => void release(),
      [asyncDispose]: release,
    } as Acquisition<K>;
  }
}
