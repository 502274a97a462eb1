import fc from "fast-check";
import { type Held, Lab, type LabOptions, type Units } from "./lab.ts";
import { ceilingOf } from "./oracle.ts";

/** One step of a history. Its meaning depends on the state that it finds, so that any part of a history is a history too. */
export type Step = readonly [kind: number, pick: number, mode: number, fraction: number];

const FRACTIONS = 1024;
/** Bits that pick every limit. */
const ALL = 0xffff;

const steps: fc.Arbitrary<Step> = fc.tuple(fc.nat(99), fc.nat(ALL), fc.nat(15), fc.nat(FRACTIONS - 1));

/** Histories of up to `maxLength` steps. */
export function histories(maxLength: number): fc.Arbitrary<Step[]> {
  return fc.array(steps, { minLength: 1, maxLength, size: "max" });
}

/** Plays a history on a real set and on the oracle. */
export function play(options: LabOptions, history: readonly Step[]): Lab {
  const lab = new Lab(options);
  try {
    for (const step of history) {
      perform(lab, step);
      lab.checkStats();
    }
    for (const held of [...lab.held]) lab.release(held);
    lab.checkStats();
  } finally {
    lab.close();
  }
  return lab;
}

/** Does one step. */
export function perform(lab: Lab, step: Step): void {
  const [kind, pick, mode, fraction] = step;
  const held = lab.held[pick % Math.max(1, lab.held.length)];
  if (kind < 40) lab.take(choose(lab, step));
  else if (kind < 48) askAgain(lab, step);
  else if (kind < 72) {
    if (held !== undefined) use(lab, held, step);
  } else if (kind < 95) lab.moveTo(Math.max(lab.readingUs, forward(lab, step)));
  else if (kind < 98) lab.moveTo(Math.max(0, lab.readingUs - backward(lab, step)));
  else if (fraction & 1) lab.touchRefused();
  else lab.take(odd(lab, mode));
}

/** Makes the last refused request again, mostly at the time when it should pass. */
function askAgain(lab: Lab, step: Step): void {
  const { refused } = lab;
  if (refused === undefined) return;
  if (step[2] < 10) lab.moveTo(Math.max(lab.readingUs, refused.readyUs));
  lab.take(refused.named);
}

/** Reports some usage of an acquisition, or all usage and releases it, or releases it without any. */
function use(lab: Lab, held: Held, step: Step): void {
  const [kind, , mode] = step;
  if (kind < 55) {
    lab.update(held, usage(lab, held, step));
    return;
  }
  if (mode > 1) lab.update(held, usage(lab, held, [kind, ALL, mode, step[3]]));
  lab.release(held);
  if (mode === 7) lab.touchReleased(held);
}

/** A request: some limits named, by two bits of `pick` each. */
function choose(lab: Lab, [, pick, mode, fraction]: Step): Units {
  const named: Units = {};
  for (const [i, definition] of lab.definitions.entries()) {
    const bits = (pick >> (2 * i)) & 3;
    const amount = () => amountToAsk(lab, i, (mode + i) & 15, fraction);
    if (definition.type === "rate") {
      if (bits > 0) named[definition.key] = amount();
    } else if (bits > 1) named[definition.key] = bits === 2 ? amount() : 0;
  }
  const sure = lab.definitions[pick % lab.definitions.length]!;
  if (Object.values(named).every((amount) => amount === 0))
    named[sure.key] = amountToAsk(lab, lab.definitions.indexOf(sure), mode, fraction);
  return named;
}

function amountToAsk(lab: Lab, limit: number, mode: number, fraction: number): number {
  const ceiling = Number(ceilingOf(lab.definitions[limit]!));
  const free = ceiling - Number(lab.oracle.used(BigInt(lab.readingUs), limit).most);
  const wanted = [
    1,
    2 + (fraction & 1),
    ceiling,
    Math.ceil((ceiling / FRACTIONS) * fraction),
    free,
    free + 1,
    Math.ceil(ceiling / 2),
    1 + (fraction % 10),
    ceiling - 1,
    Math.floor(ceiling / 2 ** (fraction % 53)),
    Math.ceil(free / 2),
    Math.ceil((free / FRACTIONS) * fraction),
    1,
    Math.ceil(ceiling / 64),
    Math.ceil((free / FRACTIONS / 4) * fraction),
    Math.ceil((ceiling / FRACTIONS / 8) * fraction),
  ][mode]!;
  return Math.min(ceiling, Math.max(1, wanted));
}

/** Usage below the request, at it, and above it where that is allowed; rarely also where it is an error. */
function usage(lab: Lab, held: Held, [, pick, mode, fraction]: Step): Units {
  const used: Units = {};
  for (const [i, { key, type, overage, capacity }] of lab.definitions.entries()) {
    const asked = Number(held.reservation.amounts[i]!);
    const left = type === "resource" || ((pick >> (2 * i)) & 3) === 0;
    if (left || (asked === 0 && overage === "error")) continue;
    const some = Math.floor((asked / FRACTIONS) * fraction);
    const more = Math.min(Number.MAX_SAFE_INTEGER, asked + 1 + Math.floor((capacity / FRACTIONS) * fraction));
    const within = [0, asked, some, asked, some, Math.max(0, asked - 1), some][(mode + i) % 7]!;
    const exceeds = overage === "debt" ? (mode + i) % 4 === 0 : pick !== ALL && mode === 15;
    used[key] = exceeds ? more : within;
  }
  return used;
}

function forward(lab: Lab, [, pick, mode, fraction]: Step): number {
  const now = lab.readingUs;
  const { windowUs, capacity } = lab.definitions[pick % lab.definitions.length]!;
  const ready = lab.refused?.readyUs ?? now + 1;
  const boundary = (Math.floor(now / windowUs) + 1) * windowUs;
  const perUnit = Math.ceil(windowUs / capacity);
  const options = [
    () => now + 1,
    () => ready,
    () => ready,
    () => ready - 1,
    () => now + windowUs * (1 + (fraction % 3)),
    () => now + Math.ceil((windowUs / FRACTIONS) * fraction),
    () => now + Math.ceil((windowUs / FRACTIONS / 16) * fraction),
    () => now + Math.ceil((windowUs / FRACTIONS / 4) * fraction),
    () => now + perUnit * (fraction % 8),
    () => boundary,
    () => boundary - 1,
    () => now + fraction,
    () => now + windowUs - 1,
    () => Number(lab.oracle.latest) + windowUs,
    // Between two microseconds.
    () => now + fraction / FRACTIONS,
    () => now + Math.ceil(windowUs / 64) + (fraction % 3) - 1,
  ];
  return options[mode]!();
}

function backward(lab: Lab, [, pick, mode, fraction]: Step): number {
  const { windowUs } = lab.definitions[pick % lab.definitions.length]!;
  return [1, windowUs, 1 + Math.floor((windowUs / FRACTIONS) * fraction), fraction][mode % 4]!;
}

/** Requests that make no sense, or hardly any. */
function odd(lab: Lab, mode: number): Units {
  const definition = lab.definitions[mode % lab.definitions.length]!;
  const { key } = definition;
  if (mode < 5) return { [key]: -1 };
  if (mode < 10) return { [key]: Number(ceilingOf(definition)) + 1 };
  if (mode < 13) return { [key]: 1, nobody: 1 };
  return mode === 13 ? { [key]: 0 } : {};
}
