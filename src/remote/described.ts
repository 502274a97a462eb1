/** The part of a set elsewhere that this side answers by itself, once the other side has described the set. */
import type { Awaitable, LimitView } from "../contract.ts";
import { checkRedefineOptions, type Era, type RedefineOptions, type Redefinition } from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { Ending, PRESENT, type Present } from "../limits/living.ts";
import type { LimitStats } from "../limits/stats.ts";
import { HandingOn } from "./changes.ts";

export interface Description<M extends string, K extends string = M> {
  readonly era: Era<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
}

/** Other limits for the set, as they are sent. */
export interface SentRedefinition {
  readonly limits: readonly Limit[];
  readonly options: RedefineOptions;
  /** The era of which a function has made them: it is called again if the set has another by then. */
  readonly of: Era | undefined;
}

export abstract class DescribedSet<M extends string, K extends string> extends HandingOn<
  M,
  K,
  Promise<void>
> {
  #ending = new Ending();

  /** @throws {LimitError} if the set is not known yet. */
  protected abstract description(): Description<M, K>;
  /** The description, once the set is known. Rejects if the set is closed. */
  protected abstract whenDescribed(): Promise<Description<M, K>>;
  /** Resolves to false, and changes nothing, if the set has another era than that of which the limits were made. */
  protected abstract sendRedefinition(redefinition: SentRedefinition): Promise<boolean>;
  abstract stats(): Promise<Readonly<Record<K, LimitStats>>>;
  abstract close(): Awaitable<void>;

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** @internal */
  [PRESENT](): Present {
    const ending = this.#ending;
    const { era } = this.description();
    return { era: era as unknown as Era, whenEnds: (listener) => ending.when(listener) };
  }

  get keys(): readonly K[] {
    return this.description().era.requests.keys;
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.description().config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.description().missingUpdate;
  }

  get(key: K): LimitView<Promise<LimitStats>> {
    const { requests, limits } = this.description().era;
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  async redefine(limits: Redefinition, options: RedefineOptions = {}): Promise<void> {
    checkRedefineOptions(options);
    if (typeof limits !== "function") {
      await this.sendRedefinition({ limits: toLimits(limits), options, of: undefined });
      return;
    }
    for (let isDone = false; !isDone; ) {
      const era = (await this.whenDescribed()).era as unknown as Era;
      isDone = await this.sendRedefinition({ limits: toLimits(limits(era.limits)), options, of: era });
    }
  }

  /** Tells those who follow the set that it has another description now. */
  protected tellRedefined(): void {
    const ending = this.#ending;
    this.#ending = new Ending();
    ending.tell();
  }
}
