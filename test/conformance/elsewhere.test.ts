/**
 * The suite over a set whose calls take effect one turn later, and are answered another turn later, as those of a set behind a port
 * or on a server are. It shows that the cases rely on no more than the contract.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type AcquireOptions,
  type Acquisition,
  type Amounts,
  type Awaitable,
  LimitSet,
  type LimitSetView,
  type Limits,
  type PartitionNames,
  type RedefineOptions,
  type Redefinition,
  type ViewOptions,
} from "../../src/index.ts";
import { HandingOn, performChange, type SentChange } from "../../src/remote/changes.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "./harness.ts";
import { runRemotely } from "./run-remotely.ts";
import { conformance } from "./suite.ts";

/** Calls in the next turn, and answers in the turn after that. */
async function remotely<T>(call: () => Awaitable<T>): Promise<T> {
  await nextTurn();
  try {
    return await call();
  } finally {
    await nextTurn();
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await nextTurn();
}

class Elsewhere<K extends string> extends HandingOn<K, K, Promise<void>> implements Limits<K> {
  readonly #set: LimitSet<K> | LimitSetView<K>;
  readonly config: Readonly<Record<string, unknown>>;

  constructor(set: LimitSet<K> | LimitSetView<K>) {
    super();
    this.#set = set;
    this.config = set.config;
  }

  get keys(): readonly K[] {
    return this.#set.keys;
  }

  get waiting(): number {
    return this.#set.waiting;
  }

  for(names: PartitionNames, options?: ViewOptions): this {
    const view = this.#set.for(names, options);
    return (view as unknown) === this.#set ? this : (new Elsewhere(view) as this);
  }

  async acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<Acquisition<K>> {
    return held(await remotely(() => this.#set.acquire(requested, options)));
  }

  async tryAcquire(requested?: Amounts<K>): Promise<Acquisition<K>> {
    return held(await remotely(() => this.#set.tryAcquire(requested)));
  }

  async peek(requested?: Amounts<K>) {
    return remotely(() => this.#set.peek(requested));
  }

  async run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: Acquisition<K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runRemotely(await this.acquire(requested, options), body, options?.signal);
  }

  async stats() {
    return remotely(() => this.#set.stats());
  }

  get(key: K) {
    const view = this.#set.get(key);
    return { ...view, stats: () => remotely(() => view.stats()) };
  }

  protected handOn(change: SentChange): Promise<void> {
    return remotely(() => performChange(this.#set as unknown as Limits, change));
  }

  async redefine(limits: Redefinition, options?: RedefineOptions): Promise<void> {
    return remotely(() => this.#set.redefine(limits, options));
  }

  async close(): Promise<void> {
    return remotely(() => this.#set.close());
  }
}

/** An acquisition of a set elsewhere. Its updates and releases take two turns as well. */
function held<K extends string>(acquisition: Acquisition<K>): Acquisition<K> {
  const { successful, requested, retryAfterMs, limitedBy, ahead, waitedMs, config } = acquisition;
  const release = () => remotely(() => acquisition.release());
  return {
    successful,
    requested,
    retryAfterMs,
    limitedBy,
    ahead,
    waitedMs,
    config,
    update: (usage) => remotely(() => acquisition.update(usage)),
    acquire: async (more, options) => held(await remotely(() => acquisition.acquire(more, options))),
    release,
    [Symbol.dispose]: () => void release(),
    [Symbol.asyncDispose]: release,
  };
}

const harness: Harness = {
  capabilities: {
    sync: false,
    timers: false,
    blocking: false,
    warnings: false,
    changes: true,
    redefines: true,
    partitions: true,
    partitionsRedefined: true,
    exhaustive: false,
    crowd: 1000,
  },
  async create<K extends string>(options: SetOptions<K>): Promise<Subject<K>> {
    const clock = new ManualClock(START);
    const set = new LimitSet<K>({ limits: [], ...options, clock });
    return {
      limits: new Elsewhere(set),
      clock: {
        now: () => clock.now(),
        async advance(ms) {
          await settle();
          clock.advance(ms);
          await settle();
        },
        async set(ms) {
          await settle();
          clock.set(ms);
          await settle();
        },
        pendingTimers: 0,
        timersSet: 0,
      },
      settle,
      close: async () => set.close(),
    };
  },
};

conformance("a set that answers later", harness);
