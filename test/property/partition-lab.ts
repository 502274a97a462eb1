/**
 * A set with partitions, and beside it the oracle that has none: one ordinary region for the limits of all, and one for each name. Both
 * get each operation; any difference between their answers throws.
 */
import {
  COMMONS,
  COUNTED,
  INSPECT,
  LET_PASS,
  PROBE,
  RECORDS,
  SELF,
  SETTLE,
  SHADOW,
  TAKE,
  UNITS,
} from "../../assembly/layout.ts";
import {
  FULL,
  RECORD_BYTES_EACH,
  RECORD_COUNT,
  RECORD_NEW,
  RECORD_OLD,
  RECORD_WORD,
  RECORDS_A_TABLE,
  STATUS,
  TABLE_BYTES,
  TABLES,
} from "../../assembly/partitions/layout.ts";
import { Arena } from "../../src/core/arena.ts";
import { presentBlock } from "../../src/core/block.ts";
import { Desk, layDesks } from "../../src/core/desks.ts";
import { passRegion } from "../../src/core/inherit.ts";
import type { Definition } from "../../src/core/kinds.ts";
import { copyState, lay, shapeOf } from "../../src/core/lay.ts";
import type { CoreExports } from "../../src/core/module.ts";
import { Partitions } from "../../src/core/partitions.ts";
import type { Sharing } from "../../src/core/sharing.ts";
import type { DimensionPlan } from "../../src/core/tables.ts";
import { wholeHeapOf } from "../../src/core/whole.ts";

/** A region with its part of a request, under the oracle's hand. */
interface Part {
  readonly start: number;
  readonly scratch: number;
  /** The indexes of its limits in the whole set. */
  readonly limits: readonly number[];
}

/** The name of each dimension, if one is meant. */
export type Names = readonly (string | undefined)[];

/** The name of an oracle's region for all names that were never seen. */
const NEVER_SEEN = "never seen";

type Mode = "used" | "available" | "proportional" | "fresh";

interface Change {
  readonly action: number;
  readonly units: readonly number[];
  readonly ms: number;
}

export interface Taken {
  readonly names: Names;
  readonly units: readonly number[];
  readonly token: number;
  readonly shared: number;
  readonly participant: number;
  /** The tokens of the oracle's regions. */
  readonly tokens: ReadonlyMap<Part, number>;
}

/** A record: a word that a transaction changes, and what stands in it before and after. */
interface Exchange {
  readonly word: number;
  readonly old: bigint;
  readonly next: bigint;
}

export class PartitionLab {
  readonly arena: Arena;
  partitions: Partitions | Desk;
  definitions: readonly Definition[];
  /** How many takes of new names were refused since there was no room. */
  full = 0;
  /** How many calls there were while some partitions had not gone over yet. */
  passing = 0;
  #set: Part;
  #ofAll: Part | undefined;
  #named = new Map<string, Part>();
  readonly #hashes = new Map<string, readonly [number, number, number, number]>();
  readonly #dimensions: readonly DimensionPlan[];
  readonly #oracle = new Arena(false);
  /** The whole core, once participants share. */
  #core: CoreExports;
  #desks: readonly Desk[] = [];
  #participant = 0;
  #die: (sides: number) => number = () => 0;
  /** How many records were left undone, as if their thread had died. */
  undone = 0;
  #past: Exchange[] = [];
  /** Those that were left undone last. */
  #pending: readonly Exchange[] = [];
  /** What stood in the words of records when the present call began, once it had done those that were left. */
  readonly #words = new Map<number, bigint>();

  constructor(
    definitions: readonly Definition[],
    dimensions: readonly DimensionPlan[],
    arena: Arena = new Arena(false),
  ) {
    this.arena = arena;
    this.#core = arena.core;
    this.definitions = definitions;
    this.#dimensions = dimensions;
    this.#set = this.#part(
      this.arena,
      definitions.map((_, i) => i),
    );
    this.partitions = new Partitions(this.arena, this.#set.start, definitions, dimensions);
    const ofAll = definitions.flatMap(({ per }, i) => (per === undefined ? [i] : []));
    if (ofAll.length > 0) this.#ofAll = this.#part(this.#oracle, ofAll);
  }

  /** From now on so many participants take turns at random, and die at random with what they have published half done. */
  share(participants: number, die: (sides: number) => number): { readonly home: number } {
    const { arena, definitions } = this;
    const dimensions = this.#dimensions;
    this.#core = wholeHeapOf(arena).core;
    const plan = { definitions, participants, dimensions: dimensions.length };
    const wide = lay(arena, plan);
    const { states, logs } = shapeOf(arena.core, plan);
    const { buffer } = arena.memory;
    const before = { partitions: this.partitions, start: this.#set.start };
    copyState(arena.core, definitions, { buffer, start: before.start }, { buffer, start: wide.start });
    layDesks(arena, wide.start, { definitions, dimensions, participants, states, logs }, before);
    this.#desks = Array.from({ length: participants }, (_, participant) => {
      const sharing = {
        home: wide.start,
        participant,
        enter: () => true,
        exit: () => {},
        isPresent: () => true,
      };
      return new Desk(arena, sharing as unknown as Sharing, wide.start);
    });
    this.#die = die;
    this.#act(0);
    return { home: wide.start };
  }

  #act(participant: number): void {
    const desk = this.#desks[participant];
    if (!desk) return;
    this.#participant = participant;
    this.partitions = desk;
    const start = new Int32Array(this.arena.memory.buffer)[(desk.region + SELF) / 4]! >>> 0;
    this.#set = { ...this.#set, start, scratch: this.#core.scratchOf(start, participant) >>> 0 };
  }

  #actAtRandom(): void {
    if (this.#desks.length > 0) this.#act(this.#die(this.#desks.length));
  }

  /** Undoes the last of the records that were just done, at random: as if the thread had died before. Does past ones again, which changes nothing. */
  #leaveUndone(): void {
    if (this.#desks.length === 0) return;
    const { buffer } = this.arena.memory;
    const longs = new BigInt64Array(buffer);
    for (const { word, old, next } of this.#past) {
      if (longs[word / 8] === old) throw new Error(`a record is done once more: ${next}`);
    }
    const words = new Int32Array(buffer);
    const { start } = this.#set;
    const block = presentBlock({ buffer, start });
    const records: Exchange[] = [];
    // The author has taken them out of its block. Behind them may stand earlier ones: their words had another value when the call began.
    for (let isOwn = true, i = 0; isOwn && i < RECORDS_A_TABLE * this.#dimensions.length; i++) {
      const at = block + words[(start + RECORDS) / 4]! + i * RECORD_BYTES_EACH;
      const word = words[(at + RECORD_WORD) / 4]! >>> 0;
      const [old, next] = [longs[(at + RECORD_OLD) / 8]!, longs[(at + RECORD_NEW) / 8]!];
      isOwn = word !== 0 && longs[word / 8] === next && (this.#words.get(word) ?? old) === old;
      if (isOwn) records.push({ word, old, next });
    }
    const count = records.length;
    const done = this.#die(2) === 0 ? count : this.#die(count + 1);
    this.#pending = records.slice(done);
    for (const { word, old } of this.#pending) {
      longs[word / 8] = old;
      this.undone++;
    }
    if (done < count) words[(block + words[(start + COMMONS) / 4]! + RECORD_COUNT) / 4] = count;
    for (const { word } of records) this.#words.set(word, 0n);
    this.#past = [...this.#past.slice(-20), ...records.slice(0, done)];
  }

  /** Notes what stands in the words of records before a call, which does those that were left undone. */
  #look(): void {
    const longs = new BigInt64Array(this.arena.memory.buffer);
    for (const word of this.#words.keys()) this.#words.set(word, longs[word / 8]!);
    for (const { word, next } of this.#pending) this.#words.set(word, next);
  }

  /** Takes, or asks what a take would answer, at `ms`. Returns undefined unless it was granted. */
  take(action: number, names: Names, units: readonly number[], ms: number): Taken | undefined {
    this.#actAtRandom();
    const answer = this.#transact(names, units, ms, action, 0);
    const shared = this.partitions.sharedTaken;
    const waits = this.#read(this.#set, 1);
    const kept = this.#withRoom(names);
    const parts = this.#partsOf(kept);
    // A name without room is refused by the limits of its dimension, and let pass by those that are shadows.
    const expected = units.map((count, i) => {
      const { per, flags } = this.definitions[i]!;
      if (count === 0 || per === undefined || names[per] === kept[per]) return 0;
      this.full++;
      return flags & SHADOW ? LET_PASS : waits[i]!;
    });
    for (const part of parts) {
      this.#plain(part, units, ms, PROBE, 0);
      this.#read(part, 1).forEach((each, i) => {
        expected[part.limits[i]!] = each;
      });
    }
    this.#same("waits", waits, expected);
    this.#same("answer", [Math.max(0, -answer)], [Math.max(0, ...expected)]);
    if (answer < 0 || action !== TAKE) return undefined;
    const tokens = new Map(parts.map((part) => [part, this.#plain(part, units, ms, TAKE, 0)]));
    return { names: kept, units, token: answer, shared, tokens, participant: this.#participant };
  }

  /** Settles `due` of what was taken. */
  settle({ names, token, shared, tokens, participant }: Taken, due: readonly number[], ms: number): void {
    this.#act(participant);
    this.partitions.sharedTaken = shared;
    this.#transact(names, due, ms, SETTLE, token);
    // A name that has recovered, and whose place another name has taken meanwhile, has nothing to give back; and there is no state to charge.
    for (const part of this.#partsOf(this.#withRoom(names)))
      this.#plain(part, due, ms, SETTLE, tokens.get(part)!);
  }

  /** Compares what is used, and how long one unit would have to wait. Without names that is the set's own, as for names never seen. */
  inspect(names: Names, ms: number): void {
    this.#actAtRandom();
    this.#transact(names, [], ms, INSPECT | COUNTED, 0);
    const [used, waits] = [this.#read(this.#set, 0), this.#read(this.#set, 1)];
    const expected = used.map(() => [0, 0]);
    for (const part of this.#partsOf(names.map((name) => name ?? NEVER_SEEN))) {
      this.#plain(part, [], ms, INSPECT, 0);
      const [own, ownWaits] = [this.#read(part, 0), this.#read(part, 1)];
      part.limits.forEach((limit, i) => {
        expected[limit] = [own[i]!, ownWaits[i]!];
      });
    }
    if (this.#withRoom(names).some((name, i) => name !== names[i])) return;
    this.#same(
      "used",
      used,
      expected.map(([own]) => own!),
    );
    this.#same(
      "waits",
      waits,
      expected.map(([, own]) => own!),
    );
  }

  /** Pauses, lowers or resets the limits of partitions whose units are not below 0. */
  change(action: number, names: Names, units: readonly number[], ms: number): void {
    this.#actAtRandom();
    this.#name(names);
    const core = this.#core;
    const { start, scratch } = this.#set;
    this.arena.f64.set(units, (scratch + UNITS) / 8);
    this.#look();
    core.changePer(this.partitions.start, start, scratch, 0, ms, action);
    this.#leaveUndone();
    const isOfAll = names.every((name) => name === undefined);
    if (isOfAll) names.forEach((_, dimension) => void this.#partOf(dimension, NEVER_SEEN));
    // What holds for all partitions holds for those that have not been seen, too.
    const parts = isOfAll ? this.everyPart() : this.#partsOf(names);
    for (const part of parts) this.#plainChange(part, { action, units, ms });
  }

  #plainChange(part: Part, { action, units, ms }: Change): void {
    this.#oracle.f64.set(
      part.limits.map((i) => units[i]!),
      (part.scratch + UNITS) / 8,
    );
    this.#oracle.core.change(part.start, part.scratch, 0, ms, action);
  }

  /** Redefines the set and each region of the oracle. `from` is for each new limit the old one that it follows, or -1. */
  redefine(definitions: readonly Definition[], from: readonly number[], mode: Mode, ms: number): void {
    const now = Math.floor(ms * 1000 + 0.5);
    const [oldSet, old, before] = [this.#set, this.definitions, this.partitions];
    const pass = (arena: Arena, part: Part, limits: readonly number[]) => {
      const heirs = limits.map((i) => from[i]!);
      return this.#pass(arena, part, definitions, limits, heirs, mode, now);
    };
    const ofDimension = (per: number | undefined) =>
      definitions.flatMap((each, i) => (each.per === per ? [i] : []));
    this.#set = pass(
      this.arena,
      oldSet,
      definitions.map((_, i) => i),
    );
    this.definitions = definitions;
    const next = new Partitions(this.arena, this.#set.start, definitions, this.#dimensions);
    this.partitions = next;
    const { buffer } = this.arena.memory;
    const passage = {
      from: { buffer, ...oldSet },
      to: { buffer, ...this.#set },
      dimensions: this.#dimensions.map((_, i) => i),
      tiers: [0],
      heirs: from.map((each) => ({ from: each, ratio: 1 })),
      mode,
      time: now,
    };
    next.inherit(before as Partitions, passage, () => {}, 0);
    const ofAll = ofDimension(undefined);
    if (this.#ofAll) this.#ofAll = pass(this.#oracle, this.#ofAll, ofAll);
    else if (ofAll.length > 0) this.#ofAll = this.#part(this.#oracle, ofAll);
    for (const [key, part] of this.#named) {
      this.#named.set(key, pass(this.#oracle, part, ofDimension(old[part.limits[0]!]!.per)));
    }
  }

  /** The parts of all names of all dimensions, and that of all. */
  everyPart(): Part[] {
    return [...(this.#ofAll ? [this.#ofAll] : []), ...this.#named.values()];
  }

  /** Compares the totals: those of the set are the sums of those of all names. A name without room counts at the set only. */
  compareTotals(ms: number): void {
    if (this.full > 0) return;
    this.#transact(
      this.#dimensions.map(() => undefined),
      [],
      ms,
      INSPECT | COUNTED,
      0,
    );
    const totals = this.#totals(this.arena, this.#set);
    const sums = totals.map((each) => each.map(() => 0));
    for (const part of this.everyPart()) {
      this.#plain(part, [], ms, INSPECT | COUNTED, 0);
      this.#totals(this.#oracle, part).forEach((own, i) => {
        own.forEach((value, word) => {
          sums[part.limits[i]!]![word]! += value;
        });
      });
    }
    this.#same("totals", totals.flat(), sums.flat());
  }

  /** The names for which there was room in the last call, or a state of their own. */
  #withRoom(names: Names): Names {
    const words = new Int32Array(this.arena.memory.buffer, this.partitions.start);
    const table = (words[TABLES / 4]! - this.partitions.start) / 4;
    return names.map((name, i) =>
      words[table + (i * TABLE_BYTES + STATUS) / 4] === FULL ? undefined : name,
    );
  }

  #transact(names: Names, units: readonly number[], ms: number, action: number, since: number) {
    this.#name(names);
    const { start, scratch } = this.#set;
    this.arena.f64.set(units, (scratch + UNITS) / 8);
    const { partitions } = this;
    this.#look();
    const answer = this.#core.transactPer(partitions.start, start, scratch, 0, ms, action, since, 0, 0);
    if (partitions instanceof Desk) {
      partitions.keep();
      if (answer >= 0 && ((action & 3) === TAKE || action === SETTLE)) this.#leaveUndone();
    } else if (partitions.before) {
      this.passing++;
      partitions.tidy();
    }
    return answer;
  }

  #plain(part: Part, units: readonly number[], ms: number, action: number, since: number): number {
    this.#oracle.f64.set(
      part.limits.map((i) => units[i] ?? 0),
      (part.scratch + UNITS) / 8,
    );
    return this.#oracle.core.transact(part.start, part.scratch, 0, ms, action, since, 0, 0);
  }

  #name(names: Names): void {
    names.forEach((name, dimension) => {
      let hash = name === undefined ? undefined : this.#hashes.get(name);
      if (name !== undefined && hash === undefined) {
        hash = this.partitions.hash(name);
        this.#hashes.set(name, hash);
      }
      this.partitions.name(dimension, hash);
    });
  }

  #partsOf(names: Names): Part[] {
    const parts = this.#ofAll ? [this.#ofAll] : [];
    names.forEach((name, dimension) => {
      if (name !== undefined) parts.push(this.#partOf(dimension, name));
    });
    return parts;
  }

  #partOf(dimension: number, name: string): Part {
    const key = `${dimension} ${name}`;
    let part = this.#named.get(key);
    if (!part) {
      const limits = this.definitions.flatMap(({ per }, i) => (per === dimension ? [i] : []));
      part = this.#part(this.#oracle, limits);
      // What was done to all partitions was done to this one.
      if (name !== NEVER_SEEN) {
        const before = this.#partOf(dimension, NEVER_SEEN);
        part = this.#pass(this.#oracle, before, this.definitions, limits, limits, "used", 0);
      }
      this.#named.set(key, part);
    }
    return part;
  }

  /** A region in the place of a part, by other definitions. `from` is for each of the `limits` the old one that it follows, or -1. */
  #pass(
    arena: Arena,
    part: Part,
    definitions: readonly Definition[],
    limits: readonly number[],
    from: readonly number[],
    mode: Mode,
    now: number,
  ): Part {
    const heirs = from.map((each) => ({ from: part.limits.indexOf(each), ratio: 1 }));
    const address = { buffer: arena.memory.buffer, start: part.start, scratch: part.scratch };
    const own = limits.map((i) => definitions[i]!);
    const { start } = passRegion(arena, address, own, heirs, mode, now);
    return { start, scratch: arena.core.scratchOf(start, 0) >>> 0, limits };
  }

  #part(arena: Arena, limits: readonly number[]): Part {
    const definitions = limits.map((i) => this.definitions[i]!);
    const { start } = lay(arena, { definitions, participants: 1 });
    return { start, scratch: arena.core.scratchOf(start, 0) >>> 0, limits };
  }

  /** UNITS of a part, or WAITS. */
  #read({ scratch, limits }: Part, array: number): number[] {
    const arena =
      limits.length === this.definitions.length && scratch === this.#set.scratch ? this.arena : this.#oracle;
    const first = (scratch + UNITS) / 8 + array * limits.length;
    return [...arena.f64.subarray(first, first + limits.length)];
  }

  /** GRANTED, WOULD_REFUSE, REFUNDED and CHARGED of each limit. */
  #totals(arena: Arena, { scratch, limits }: Part): number[][] {
    const first = (scratch + UNITS) / 8 + 3 * limits.length;
    return limits.map((_, i) => [...arena.f64.subarray(first + 8 * i, first + 8 * i + 4)]);
  }

  #same(what: string, given: readonly number[], expected: readonly number[]): void {
    if (given.every((each, i) => Object.is(each + 0, expected[i]! + 0))) return;
    throw new Error(`${what}: ${given.join(" ")} in place of ${expected.join(" ")}`);
  }
}
