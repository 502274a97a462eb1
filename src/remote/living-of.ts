/** Any set as one that a host can follow. */
import type { Limits } from "../contract.ts";
import { type Era, firstEra, nextEra } from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { Ending, ERA, follow, type Living, PRESENT, type Present } from "../limits/living.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { areAlike } from "../limits/sameness.ts";

/** The present era of a set, for a host that follows it. */
export class Followed {
  /** It is kept up while the set is followed. */
  era: Era;
  readonly #living: Living;
  readonly #changed: () => void;
  #forget: (() => void) | undefined;

  /** `changed` is called when the era has changed, while the set is followed. */
  constructor(limits: Limits, changed: () => void) {
    this.#living = PRESENT in limits ? (limits as unknown as Living) : new Wrapped(limits);
    this.era = this.#living[PRESENT]().era;
    this.#changed = changed;
  }

  /** The era under which the set has granted it. */
  eraOf(acquisition: object): Era {
    if (this.#living instanceof Wrapped) return this.era;
    const { [ERA]: era = this.era } = acquisition as { [ERA]?: Era };
    // The parts of a spread set have eras of their own, of equal numbers.
    return era.number === this.era.number ? this.era : era;
  }

  begin(): void {
    if (this.#forget) return;
    this.#forget = follow(this.#living, () => this.#read());
    this.#read();
  }

  rest(): void {
    this.#forget?.();
    this.#forget = undefined;
  }

  /** Looks whether a set that tells of nothing has changed. */
  look(): void {
    if (this.#living instanceof Wrapped) this.#living[PRESENT]();
  }

  #read(): void {
    const { era } = this.#living[PRESENT]();
    if (era === this.era) return;
    this.era = era;
    this.#changed();
  }
}

/** A set by the program's own code, perhaps around another. It tells of no change, but is looked at before each use. */
class Wrapped implements Living {
  readonly #limits: Limits;
  #keys: readonly string[] | undefined;
  #era: Era | undefined;
  #ending = new Ending();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  [PRESENT](): Present {
    const era = this.#look();
    return { era, whenEnds: (listener) => this.#ending.when(listener) };
  }

  #look(): Era {
    const { keys } = this.#limits;
    if (this.#era && keys === this.#keys) return this.#era;
    this.#keys = keys;
    const definitions = keys.map((key) => {
      const { stats: _, ...limit } = this.#limits.get(key);
      return limit as Limit;
    });
    const before = this.#era;
    if (before && areAlike(before.limits, definitions)) return before;
    const limits = toLimits(definitions);
    const requests = requestsOf<string>(limits);
    this.#era = before ? nextEra(before, limits, requests, "used", 0) : firstEra(limits, requests);
    const ending = this.#ending;
    this.#ending = new Ending();
    if (before) ending.tell();
    return this.#era;
  }
}
