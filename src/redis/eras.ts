/**
 * The era of a set, in this process and on the server. The definitions of the higher version count; of one version, those that came later.
 * A process whose definitions the server does not have follows the server, or redefines the set there: nothing of a batch is done before
 * both have the same.
 */
import { SameVersionWarning } from "../errors.ts";
import { type Era, eraOf, heirsOf, type Inherit, nextEra } from "../limits/era.ts";
import type { Limit } from "../limits/limits.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { areAlike } from "../limits/sameness.ts";
import { Definitions } from "./definitions.ts";
import { DefinitionMismatchError } from "./errors.ts";
import type { Settings } from "./settings.ts";

/** What turns the server's definitions into others: it goes with a batch, and is done before it. */
export interface Turn {
  readonly era: Era;
  readonly definitions: Definitions;
  /** The definitions that the server has to have. */
  readonly from: string;
  /** Whether limits have had partitions before. */
  readonly hadPartitions: boolean;
  /** As the script reads it. */
  readonly text: string;
}

export class Eras {
  readonly #settings: Settings<string>;
  /** Goes on in another era; `before` is that of the waiters and the acquisitions. */
  readonly #enter: (before: Era) => void;
  /** The server has had the definitions of this process. */
  #isKnown = false;
  /** The batches turn the server to the era of this process until that is done. */
  #turn: Turn | undefined;
  /** The batch brings the definitions as JSON. */
  #brings = true;
  #doubtful: number | undefined;

  constructor(settings: Settings<string>, enter: (before: Era) => void) {
    this.#settings = settings;
    this.#enter = enter;
  }

  /** The definitions of the next batch, and what goes with them. `turn` is that of a batch that only redefines. */
  encode(turn = this.#turn) {
    const definitions = turn?.definitions ?? this.#settings.definitions;
    return {
      definitions,
      turn,
      isBrought: turn !== undefined || this.#brings || !this.#isKnown,
      hasPartitions: definitions.hasPartitions || (turn?.hadPartitions ?? false),
    };
  }

  /** The server has done a batch. */
  agreed(): void {
    this.#isKnown = true;
    this.#brings = false;
    this.#turn = undefined;
  }

  /** The server needs the definitions. */
  bring(): void {
    this.#brings = true;
  }

  /**
   * The server has another era: `json` and `text`. Then the process follows it, or makes a turn.
   *
   * @throws {Error} if it cannot be read.
   */
  met(json: string, text: string): void {
    const { era, limits } = this.#settings;
    const theirs = eraOf<string, string>(json);
    if (theirs.slots !== era.slots) {
      this.#settings.part?.mismatched();
      throw DefinitionMismatchError.ofSlots(this.#settings.name, theirs.slots, era.slots);
    }
    this.#turn = undefined;
    const isAlike = areAlike(inOrder(theirs.limits), inOrder(limits));
    if (
      theirs.version > era.version ||
      (theirs.version === era.version && (this.#settings.part?.follows || this.#isNewer(theirs) || isAlike))
    ) {
      this.#goTo(theirs, isAlike);
      return;
    }
    const next = {
      ...nextEra(theirs, limits, requestsOf<string>(limits), "used", era.version),
      slots: era.slots,
    };
    if (theirs.version === era.version) this.#doubt(era.version);
    const definitions = new Definitions(limits, next);
    this.#turn = turnOf(theirs, text, next, definitions, "used");
    this.#change(next, definitions);
  }

  /** The turn to other limits, for a batch of its own. Undefined if their version is lower than that of the set. */
  turnTo(limits: readonly Limit[], inherit: Inherit, version: number | undefined): Turn | undefined {
    const { era, definitions } = this.#settings;
    if (version !== undefined && version < era.version) return undefined;
    const listed = limits as readonly Limit<string>[];
    const requests = requestsOf<string>(limits);
    const next = { ...nextEra(era, listed, requests, inherit, version ?? era.version), slots: era.slots };
    return turnOf(era, definitions.text, next, new Definitions(limits, next), inherit);
  }

  /** A batch has made the turn. `version` is the one that was asked for. */
  turned({ era, definitions }: Turn, version: number | undefined): void {
    const before = this.#settings.era;
    const isDoubtful = version === before.version && !areAlike(before.limits, era.limits);
    this.#change(era, definitions);
    this.#isKnown = true;
    if (isDoubtful) this.#doubt(version);
  }

  /** Whether a known process has met an era that came after its own. */
  #isNewer({ number }: Era): boolean {
    return this.#isKnown && number >= this.#settings.era.number;
  }

  #goTo(theirs: Era, isAlike: boolean): void {
    const { limits } = this.#settings;
    if (!isAlike) {
      this.#change(theirs, new Definitions(theirs.limits, theirs));
      return;
    }
    // The order of this process stays.
    const places = limits.map(({ key }) => theirs.limits.findIndex((each) => each.key === key));
    const tenures = places.map((place) => theirs.tenures[place]!);
    const era = { ...theirs, limits, tenures, requests: this.#settings.requests };
    this.#change(era, new Definitions(limits, era));
  }

  #change(era: Era, definitions: Definitions): void {
    const before = this.#settings.era;
    Object.assign(this.#settings, { era, definitions, limits: era.limits, requests: era.requests });
    this.#enter(before);
    this.#settings.part?.changed();
  }

  #doubt(version: number): void {
    if (this.#doubtful === version) return;
    this.#doubtful = version;
    this.#settings.onWarning(new SameVersionWarning(version));
  }
}

function turnOf(before: Era, from: string, era: Era, definitions: Definitions, inherit: Inherit): Turn {
  const old = new Definitions(before.limits, before);
  const heirs = heirsOf(before, era).flatMap(({ from: index, ratio }, i) =>
    index < 0 ? [] : [`${definitions.indexes[i]}:${old.indexes[index]}:${ratio}`],
  );
  return { era, definitions, from, hadPartitions: old.hasPartitions, text: [inherit, ...heirs].join(" ") };
}

/** Sorted by key, as the server has them. */
export function inOrder(limits: readonly Limit[]): readonly Limit[] {
  return [...limits].sort((a, b) => (a.key < b.key ? -1 : 1));
}
