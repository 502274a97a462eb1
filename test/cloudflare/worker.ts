/**
 * A Worker that carries out the calls of a test with `connectDurable`: one in each line of a single HTTP request. The test moves the
 * clock of its objects.
 */
import type { AcquireOptions, Acquisition, Limit, LimitLike } from "limitset";
import {
  connectDurable,
  type DurableLimits,
  LimitSetObject,
  type ObjectNamespace,
} from "limitset/cloudflare";
import { ManualClock } from "limitset/testing";
import {
  type Answer,
  decode,
  encode,
  type Question,
  type WireAcquisition,
  type WireError,
  type WireFacts,
  type WireView,
} from "./wire.ts";

/** A set by its name, or a view of it. */
type Whom = string | WireView;

/** The options of a request, without its signal. */
type Terms = Omit<AcquireOptions, "signal">;

interface Setup {
  readonly limits?: readonly LimitLike[];
  readonly config?: Record<string, unknown>;
  readonly missingUpdate?: "throw" | "charge";
  readonly maxWaiting?: number;
  readonly agingMs?: number;
  readonly partitions?: Record<string, object>;
  readonly fairBy?: string;
  clock: ManualClock;
}

// The Worker and its objects are in one isolate, which outlives the objects.
const setups = new Map<string, Setup>();
// The clock of a test moves by years between two renewals of a lease.
const LEASE_MS = 1000 * 86_400_000;

export class Tested extends LimitSetObject {
  protected override limitOptions() {
    const setup = setups.get(this.ctx.id.toString());
    // A new clock, without the timers that the object had before it was evicted.
    if (setup) setup.clock = new ManualClock(setup.clock.now());
    return { ...setup, leaseMs: LEASE_MS };
  }

  advance(ms: number): void {
    setups.get(this.ctx.id.toString())!.clock.advance(ms);
  }

  set(ms: number): void {
    setups.get(this.ctx.id.toString())!.clock.set(ms);
  }

  evict(): void {
    (this.ctx as unknown as { abort(reason: string): void }).abort("evicted");
  }
}

/** The methods of the object that tests call. */
interface Control {
  advance(ms: number): Promise<void>;
  set(ms: number): Promise<void>;
  evict(): Promise<void>;
}

function factsOf(limits: DurableLimits): WireFacts {
  const definitions = limits.keys.map((key) => {
    const { stats: _, ...limit } = limits.get(key);
    return limit;
  });
  return { keys: limits.keys, definitions };
}

class Session {
  readonly #namespace: ObjectNamespace;
  readonly #sets = new Map<string, { limits: DurableLimits; control: () => Control }>();
  /** By the names of sets: the keys of the definitions that were told last. */
  readonly #told = new Map<string, readonly string[]>();
  readonly #views = new Map<string, DurableLimits>();
  readonly #acquisitions = new Map<unknown, Acquisition>();
  readonly #signals = new Map<unknown, AbortController>();
  #count = 0;

  constructor(namespace: ObjectNamespace) {
    this.#namespace = namespace;
  }

  async open(name: string, { start, ...options }: Setup & { start: number }) {
    const id = this.#namespace.idFromName(name);
    setups.set(id.toString(), { ...options, clock: new ManualClock(start) });
    return this.join(name);
  }

  /** Connects to a set that is open already. */
  async join(name: string) {
    const limits = connectDurable(this.#namespace, name);
    await limits.ready;
    const control = () => this.#namespace.get(this.#namespace.idFromName(name)) as Control;
    this.#sets.set(name, { limits, control });
    this.#told.set(name, limits.keys);
    return { ...factsOf(limits), config: limits.config };
  }

  /** Of the sets that have other definitions than were told last. */
  news(): Record<string, WireFacts> | undefined {
    const news: Record<string, WireFacts> = {};
    for (const [name, keys] of this.#told) {
      const { limits } = this.#sets.get(name)!;
      if (limits.keys === keys) continue;
      this.#told.set(name, limits.keys);
      news[name] = factsOf(limits);
    }
    return Object.keys(news).length > 0 ? news : undefined;
  }

  /** Redefines. Limits that a function of the test has made of the present ones, `of`, count only for these: false if there are others. */
  async redefine(name: string, list: LimitLike[], options: object | undefined, of: unknown) {
    const limits = this.#limits(name);
    if (!of) return limits.redefine(list, options);
    const stale = {};
    const make = (current: readonly Limit[]) => {
      if (JSON.stringify(current) === JSON.stringify(of)) return list;
      throw stale;
    };
    try {
      await limits.redefine(make, options);
      return true;
    } catch (error) {
      if (error === stale) return false;
      throw error;
    }
  }

  async acquire(name: Whom, requested: never, terms: Terms, signal: number | undefined) {
    return this.#taken(await this.#limits(name).acquire(requested, this.#options(terms, signal)));
  }

  async tryAcquire(name: Whom, requested: never) {
    return this.#taken(await this.#limits(name).tryAcquire(requested));
  }

  async change(name: Whom, [verb, ...args]: readonly [string, ...never[]]) {
    const limits = this.#limits(name) as unknown as Record<string, (...args: never[]) => Promise<void>>;
    await limits[verb]!(...args);
  }

  /** Does to a view what only a set can do. */
  async view(whom: Whom, verb: "close" | "redefine", limits: never) {
    await (verb === "close" ? this.#limits(whom).close() : this.#limits(whom).redefine(limits));
  }

  peek(name: Whom, requested: never) {
    return this.#limits(name).peek(requested);
  }

  async nested(number: number, requested: never, terms: Terms, signal: number | undefined) {
    const outer = this.#acquisitions.get(number)!;
    return this.#taken(await outer.acquire(requested, this.#options(terms, signal)));
  }

  update(number: number, usage: never) {
    this.#acquisitions.get(number)!.update(usage);
  }

  release(number: number) {
    this.#acquisitions.get(number)!.release();
  }

  abort(signal: number) {
    this.#signals.get(signal)?.abort();
  }

  stats(name: Whom) {
    return this.#limits(name).stats();
  }

  close(name: string) {
    return this.#limits(name).close();
  }

  advance(name: string, ms: number) {
    return this.#sets.get(name)!.control().advance(ms);
  }

  set(name: string, ms: number) {
    return this.#sets.get(name)!.control().set(ms);
  }

  async evict(name: string) {
    await this.#sets
      .get(name)!
      .control()
      .evict()
      .catch(() => {});
  }

  aborted(error: unknown): boolean {
    return [...this.#signals.values()].some(({ signal }) => signal.aborted && signal.reason === error);
  }

  #limits(whom: Whom): DurableLimits {
    if (typeof whom === "string") return this.#sets.get(whom)!.limits;
    // A view is kept over redefinitions, as programs keep theirs.
    const text = JSON.stringify(whom);
    let view = this.#views.get(text);
    if (!view) {
      const { name, names, tier } = whom;
      view = this.#sets.get(name)!.limits.for(names, { tier });
      this.#views.set(text, view);
    }
    return view;
  }

  #options(terms: Terms, signal: number | undefined): AcquireOptions {
    if (signal === undefined || signal === null) return terms;
    const controller = new AbortController();
    this.#signals.set(signal, controller);
    return { ...terms, signal: controller.signal };
  }

  #taken(acquisition: Acquisition): WireAcquisition {
    const number = ++this.#count;
    this.#acquisitions.set(number, acquisition);
    const { successful, requested, retryAfterMs, limitedBy, ahead, waitedMs, config } = acquisition;
    return {
      number,
      successful,
      requested: requested as Record<string, number>,
      retryAfterMs,
      limitedBy,
      ahead,
      waitedMs,
      config,
    };
  }
}

function toWire(error: unknown): WireError {
  const { name, message, stack: _, ...fields } = error as Error & Record<string, unknown>;
  const own = error instanceof Error ? error.constructor.name : "Error";
  return { name: own, message, code: (fields as { code?: unknown }).code, fields: { ...fields, name } };
}

export default {
  fetch(request: Request, env: { TESTED: ObjectNamespace }): Response {
    const session = new Session(env.TESTED);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const say = (text: string) => writer.write(new TextEncoder().encode(`${text}\n`)).catch(() => {});
    const answer = async (line: string) => {
      const { number, op, args } = decode(line) as Question;
      let told: Answer;
      try {
        const method = session[op as "stats"] as (...args: unknown[]) => unknown;
        told = { number, value: await method.apply(session, args as never) };
      } catch (error) {
        told = { number, error: toWire(error), isAborted: session.aborted(error) };
      }
      const facts = session.news();
      await say(encode({ ...told, ...(facts && { facts }) }));
    };
    const listen = async () => {
      let heard = "";
      const decoder = new TextDecoder();
      const reader = request.body!.getReader();
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        heard += decoder.decode(chunk.value, { stream: true });
        const lines = heard.split("\n");
        heard = lines.pop()!;
        for (const line of lines) void answer(line);
      }
      await writer.close();
    };
    void listen();
    // The response begins at once, before the first answer.
    void say("");
    return new Response(readable, { headers: { "content-type": "text/plain" } });
  },
};
