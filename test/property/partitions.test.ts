/** Partitions answer as ordinary limits do, one for each name, whatever is evicted meanwhile. */
import { afterAll, expect, test } from "vitest";
import { LOWER, PAUSE, PROBE, RESET, RESUME, SHADOW, TAKE } from "../../assembly/layout.ts";
import { Arena } from "../../src/core/arena.ts";
import type { Definition } from "../../src/core/kinds.ts";
import { type Die, dieOf } from "./die.ts";
import { PartitionLab, type Taken } from "./partition-lab.ts";
import { count, report, SEED, TIMEOUT_MS } from "./settings.ts";

afterAll(() => report("partitions"));

const { LIMITSET_LONG } = process.env;
const LONG = LIMITSET_LONG === "1";
const KINDS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window", "resource"] as const;
const START_MS = Date.UTC(2026, 0, 1);

function definitionOf(die: Die, per: number | undefined): Definition {
  const kind = KINDS[die(KINDS.length)]!;
  const flags = die(8) === 0 ? SHADOW : 0;
  const capacity = die(4) === 0 ? 1 + die(3) : 1 + die(30);
  const wide = die(6) === 0;
  const scale = wide && kind !== "resource" && kind !== "fixed-window" ? 10 ** 9 + 7 : 1;
  const windowMicros = [1_000, 50_000, 999_983, 10_000_000][die(4)]! * (scale > 1 ? 360 : 1);
  const burst = kind === "gcra" ? 1 + die(capacity) : capacity;
  return {
    kind,
    capacity: capacity * scale,
    ceiling: burst * scale,
    windowMicros: kind === "resource" ? 0 : windowMicros,
    flags,
    ...(per !== undefined && { per }),
  };
}

function amongThreads(definition: Definition): Definition {
  const { kind, ceiling } = definition;
  // A node that threads share has room for fewer entries of a log.
  if (kind === "sliding-window" && ceiling > 24) return { ...definition, capacity: 20, ceiling: 20 };
  // What a shadow has let pass is not given back; to the oracle all units are those of one thread.
  return kind === "resource" ? { ...definition, flags: 0 } : definition;
}

interface Plan {
  readonly seed: number;
  readonly steps: number;
  readonly names: number;
  /** How many names have a state of their own. */
  readonly max: number;
  /** Redefines the set, now and then. */
  readonly again?: (lab: PartitionLab, ms: number) => void;
  /** Shares the set among so many participants, after some steps. */
  readonly participants?: number;
  /** After so many steps each time. */
  readonly every?: number;
}

/** Plays a random history, and returns the lab. */
function play({ seed, steps, names, max, again, participants, every = 100 }: Plan): PartitionLab {
  const die = dieOf(seed);
  const dimensions = 1 + die(2);
  let definitions: readonly Definition[] = [
    ...Array.from({ length: die(3) }, () => definitionOf(die, undefined)),
    ...Array.from({ length: dimensions }, (_, per) =>
      Array.from({ length: 1 + die(3) }, () => definitionOf(die, per)),
    ).flat(),
  ];
  if (participants !== undefined) definitions = definitions.map(amongThreads);
  const lab = new PartitionLab(
    definitions,
    Array.from({ length: dimensions }, () => ({ max, refuses: true })),
    new Arena(participants !== undefined),
  );
  let held: Taken[] = [];
  let micros = START_MS * 1000;
  const nameOf = () => `name ${die(3) === 0 ? die(3) : die(names)}`;
  const someNames = () => Array.from({ length: dimensions }, () => (die(8) === 0 ? undefined : nameOf()));
  const unitsFor = (chosen: readonly (string | undefined)[]) =>
    definitions.map(({ per, ceiling }) => {
      if (per !== undefined && chosen[per] === undefined) return 0;
      if (die(4) === 0) return 0;
      return die(3) === 0 ? ceiling : 1 + die(Math.max(1, Math.min(ceiling, 5)));
    });
  for (let step = 0; step < steps; step++) {
    micros += [0, 1, die(50), die(2_000), die(200_000), die(3_000_000)][Math.min(die(7), 5)]!;
    if (die(200) === 0) micros += 3_600_000_000;
    const roll = die(100);
    // The oracle has a time of reset for each name, and the set has one: they differ where both halves of a microsecond are needed.
    if (roll >= 96) micros += 2;
    const ms = micros / 1000;
    if (roll >= 96) micros += 2;
    const chosen = someNames();
    if (participants !== undefined && step === Math.floor(steps / 8)) lab.share(participants, die);
    if (again && step % every === every - 1) {
      for (const taken of held)
        lab.settle(
          taken,
          dueOf(() => 0, definitions, taken),
          micros / 1000,
        );
      held = [];
      again(lab, micros / 1000);
      definitions = lab.definitions;
    }
    try {
      if (roll < 50 || held.length === 0) {
        const taken = lab.take(TAKE, chosen, unitsFor(chosen), ms);
        if (taken) held.push(taken);
      } else if (roll < 60) {
        lab.take(PROBE, chosen, unitsFor(chosen), ms);
      } else if (roll < 88) {
        const [taken] = held.splice(die(2) === 0 ? held.length - 1 : die(held.length), 1);
        lab.settle(taken!, dueOf(die, definitions, taken!), ms);
      } else if (roll < 96) {
        lab.inspect(chosen, ms);
      } else if (chosen.some((name) => name !== undefined)) {
        const units = definitions.map(({ per, ceiling, kind }) => {
          if (per === undefined || chosen[per] === undefined || die(2) === 0) return -1;
          return kind === "resource" ? 0 : die(Math.min(ceiling, 40));
        });
        // A name that has no room cannot be changed.
        const room = chosen.every((name, per) => name === undefined || lab.partitions.count(per) < max);
        if (room) lab.change([PAUSE, RESUME, LOWER, RESET][die(4)]!, chosen, units, ms);
      } else {
        const units = definitions.map(({ per }) => (per === undefined || die(2) === 0 ? -1 : 0));
        const action = [RESET, PAUSE, RESUME][die(3)]!;
        lab.change(
          action,
          chosen,
          action === PAUSE ? units.map((each) => (each < 0 ? each : die(5000))) : units,
          ms,
        );
      }
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}: ${(error as Error).message}`, { cause: error });
    }
    count();
  }
  for (const taken of held)
    lab.settle(
      taken,
      dueOf(() => 0, definitions, taken),
      micros / 1000,
    );
  if (!again) lab.compareTotals(micros / 1000);
  return lab;
}

/** What a settlement gives back or charges: resources go back. */
function dueOf(die: Die, definitions: readonly Definition[], { units }: Taken): number[] {
  return units.map((taken, i) => {
    if (taken === 0) return 0;
    if (definitions[i]!.kind === "resource") return -taken;
    const most = Math.min(taken, 2 ** 31);
    return die(6) === 0 ? die(3) : -(die(3) === 0 ? taken : die(most + 1));
  });
}

/** Other definitions in place of those of a lab: limits change their numbers, and may go or come. */
function redefineAtRandom(lab: PartitionLab, die: Die, ms: number): void {
  // With "available" a partition that has recovered would differ from one that was never seen.
  const MODES = ["used", "proportional", "fresh"] as const;
  const old = lab.definitions;
  // Each dimension keeps a limit at least.
  const kept = old
    .map((_, j) => j)
    .filter((j) => die(4) > 0 || old.findIndex(({ per }) => per === old[j]!.per) === j);
  if (die(2) === 0) kept.reverse();
  const next = kept.map((j) => {
    let fresh = definitionOf(die, old[j]!.per);
    while ((fresh.kind === "resource") !== (old[j]!.kind === "resource"))
      fresh = definitionOf(die, old[j]!.per);
    return fresh;
  });
  const added = die(2) === 0 && old.length < 8 ? [definitionOf(die, die(2) === 0 ? undefined : 0)] : [];
  lab.redefine([...next, ...added], [...kept, ...added.map(() => -1)], MODES[die(3)]!, ms);
}

test(
  "partitions of a set that is redefined go on as ordinary limits do",
  () => {
    for (let i = 0; i < (LONG ? 300 : 60); i++) {
      const die = dieOf(SEED + 5000 + i);
      const again = (lab: PartitionLab, ms: number) => redefineAtRandom(lab, die, ms);
      play({ seed: SEED + 5000 + i, steps: 600, names: 20, max: 100, again });
    }
  },
  TIMEOUT_MS,
);

test(
  "hundreds of partitions that go over one after the other, through several redefinitions, answer as ordinary limits do",
  () => {
    let passing = 0;
    for (let i = 0; i < (LONG ? 100 : 15); i++) {
      const die = dieOf(SEED + 7000 + i);
      const again = (lab: PartitionLab, ms: number) => {
        for (let times = 1 + die(6); times > 0; times--) redefineAtRandom(lab, die, ms);
      };
      passing += play({
        seed: SEED + 7000 + i,
        steps: 3000,
        names: 3000,
        max: 4000,
        again,
        every: 700,
      }).passing;
    }
    expect(passing).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "random histories of a few names answer as ordinary limits do",
  () => {
    for (let i = 0; i < (LONG ? 400 : 60); i++) play({ seed: SEED + i, steps: 2000, names: 6, max: 100 });
  },
  TIMEOUT_MS,
);

test(
  "random histories of more names than there is room for answer as ordinary limits do",
  () => {
    let full = 0;
    for (let i = 0; i < (LONG ? 200 : 30); i++) {
      full += play({ seed: SEED + 1000 + i, steps: 3000, names: 400, max: 12 }).full;
    }
    expect(full).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "a history of thousands of names answers as ordinary limits do, and evicts those that have recovered",
  () => {
    const lab = play({ seed: SEED, steps: LONG ? 1_000_000 : 100_000, names: 4000, max: 5000 });
    expect(lab.partitions.count(0)).toBeLessThan(4000);
  },
  TIMEOUT_MS,
);

test(
  "partitions that participants share answer as ordinary limits do, though these die with what they have published half done",
  () => {
    let undone = 0;
    for (let i = 0; i < (LONG ? 400 : 60); i++) {
      undone += play({ seed: SEED + 9000 + i, steps: 2000, names: 30, max: 100, participants: 3 }).undone;
    }
    expect(undone).toBeGreaterThan(1000);
  },
  TIMEOUT_MS,
);

test(
  "partitions that participants share, with more names than there is room for, answer as ordinary limits do",
  () => {
    let full = 0;
    for (let i = 0; i < (LONG ? 200 : 30); i++) {
      full += play({ seed: SEED + 11_000 + i, steps: 3000, names: 400, max: 12, participants: 4 }).full;
    }
    expect(full).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
