/**
 * The parts of a set that is spread over slots, and the limits that they have in common: those of the first part count, or of a part that
 * has a higher version. A process that redefines the set brings the others there one by one. If it dies on the way, the next process that
 * meets another era in any of them does the rest.
 */
import { BackendUnavailableError, type LimitError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import { areAlike } from "../limits/sameness.ts";
import type { ChoiceKey } from "../spread/choice.ts";
import { inOrder } from "./eras.ts";
import { PART } from "./part.ts";
import type { RedisLimitSet } from "./redis-limit-set.ts";

export class SpreadParts<K extends string> {
  readonly sets: readonly RedisLimitSet<K>[];
  /** By which names choose their part. */
  readonly key: ChoiceKey;
  /** The first part has said over how many slots the set is spread. Until then nothing is asked of the others. */
  isChecked = false;
  readonly #needsServer: boolean;
  #check: Promise<void> | undefined;
  #evening: Promise<void> | undefined;
  #isClosed = false;

  /** `open` makes a part, and `needsServer` tells whether requests are refused while the server is away. */
  constructor(
    names: readonly string[],
    key: ChoiceKey,
    needsServer: boolean,
    open: (name: string, part: number, events: { changed(): void; mismatched(): void }) => RedisLimitSet<K>,
  ) {
    this.key = key;
    this.#needsServer = needsServer;
    const events = {
      changed: () => void this.even().catch(() => {}),
      mismatched: () => {
        this.isChecked = false;
      },
    };
    this.sets = names.map((name, i) => open(name, i, events));
  }

  get first(): RedisLimitSet<K> {
    return this.sets[0]!;
  }

  /** The era of the first part, as far as this process knows it. */
  get era(): Era<K> {
    return this.first[PART]().era;
  }

  /**
   * Asks the first part over how many slots the set is spread.
   *
   * @throws {DefinitionMismatchError} if they are others.
   */
  check(): Promise<void> {
    this.#check ??= this.#ask().finally(() => {
      this.#check = undefined;
    });
    return this.#check;
  }

  /** Brings all parts to the same limits. Rejects if one cannot be reached: the rest of them are there then. */
  even(): Promise<void> {
    this.#evening ??= this.#even().finally(() => {
      this.#evening = undefined;
    });
    return this.#evening;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.sets.map((set) => set.close()));
  }

  async #ask(): Promise<void> {
    try {
      await this.first.stats();
      this.isChecked = true;
    } catch (error) {
      if (this.#needsServer || !(error instanceof BackendUnavailableError)) throw error;
    }
  }

  async #even(): Promise<void> {
    // An event comes in the middle of the answer to a batch.
    await undefined;
    await this.first.stats();
    while (!this.#isClosed) {
      const { era } = this;
      const ends = await Promise.allSettled(this.sets.slice(1).map((set) => bring(set, era)));
      // Read once more: another process may have redefined the set meanwhile.
      await this.first.stats();
      const higher = this.sets.map((set) => set[PART]().era).find(({ version }) => version > era.version);
      if (higher) await this.first[PART]().bring(higher);
      else if (isSame(era, this.era)) {
        for (const end of ends) if (end.status === "rejected") throw end.reason as LimitError;
        return;
      }
    }
  }
}

async function bring<K extends string>(set: RedisLimitSet<K>, era: Era<K>): Promise<void> {
  // It reads first which limits the server has.
  await set.stats();
  await set[PART]().bring(era);
}

function isSame<K extends string>(one: Era<K>, other: Era<K>): boolean {
  return one.version === other.version && areAlike(inOrder(one.limits), inOrder(other.limits));
}
