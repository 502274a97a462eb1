/** The settlements that are still to be sent: units to give back or to charge, by acquisition. */
import type { Era } from "../limits/era.ts";
import type { Limit } from "../limits/limits.ts";
import { type Allowance, MOST_STEPS, stepsOf } from "./allowance.ts";
import type { Conversation } from "./conversation.ts";
import type { Definitions } from "./definitions.ts";
import type { Place } from "./place.ts";
import type { Roster } from "./roster.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Operation } from "./speaker.ts";
import type { Totals } from "./totals.ts";
import { parseUnits } from "./wire.ts";

export interface Settled {
  readonly limits: readonly Limit[];
  readonly definitions: Definitions;
}

/** Units to give back (below 0) and to charge (above 0) of the acquisitions of one session and token. */
interface Settlement<K extends string> {
  readonly session: Session<K>;
  readonly token: number;
  due: readonly number[];
  place: Place | undefined;
}

// The kinds of settlements. Those of a kind can be summed and change places among each other, with the same result:
// - what goes back of one token is bounded by one low of the debt, so that the sum goes back as its parts would; and what
//   goes back of several tokens is bounded by lows that each lower, in whatever order;
// - charges of one time add up, and the token does not matter to them.
// Refunds and charges do not change places: a charge moves the time of the set, up to which debts leak.
const GIVES_BACK = -1;
const CHARGES = 1;
/** Gives back and charges. It stays as it is, in its place. */
const BOTH = 0;
type Kind = typeof GIVES_BACK | typeof CHARGES | typeof BOTH;

export class Settlements<K extends string> {
  readonly #set: Settled;
  readonly #totals: Totals;
  readonly #sessions: Pick<Sessions<K>, "current" | "isEnded">;
  readonly #conversation: Pick<Conversation, "send">;
  #settlements: Settlement<K>[] = [];
  /** Those that have been sent, and were not done: they are the next. */
  #returned: Settlement<K>[] = [];
  /** How many of them, from the first, have been taken. */
  #taken = 0;
  /** How many of those that have not been taken give something back. */
  #refunds = 0;
  /** The last settlements, all of one kind and session, by place and token: later ones are added to them. */
  readonly #run = new Map<number | string, Settlement<K>>();
  #runKind: Kind = BOTH;
  #runSession: Session<K> | undefined;

  constructor(
    set: Settled,
    totals: Totals,
    sessions: Pick<Sessions<K>, "current" | "isEnded">,
    conversation: Pick<Conversation, "send">,
  ) {
    this.#set = set;
    this.#totals = totals;
    this.#sessions = sessions;
    this.#conversation = conversation;
  }

  get isEmpty(): boolean {
    return this.#settlements.length === 0 && this.#returned.length === 0;
  }

  /** Calls back for each of the next ones that gives something back, as many as a batch may have. */
  eachReturn(visit: (due: readonly number[], place: Place | undefined) => void): void {
    this.#takeBack();
    if (this.#refunds === 0) return;
    for (const { due, place } of this.#settlements.slice(this.#taken, this.#taken + MOST_STEPS)) {
      if (kindOf(due) !== CHARGES) visit(due, place);
    }
  }

  /** Settles `due` units of an acquisition that `session` was granted as `token`: below 0 to give back, above to charge. */
  add(session: Session<K>, due: readonly number[], token: number, place?: Place): void {
    this.#merge(session, due, token, place);
    this.#conversation.send();
  }

  /** Takes out the first settlements, as many as the batch has room for. */
  take(allowance: Allowance): Operation[] {
    const operations: Operation[] = [];
    this.#takeBack();
    const settlements = this.#settlements;
    while (this.#taken < settlements.length) {
      const settlement = settlements[this.#taken]!;
      const { due, place } = settlement;
      if (!allowance.spend(stepsOf(due, place), place, true)) break;
      this.#taken++;
      if (kindOf(due) !== CHARGES) this.#refunds--;
      operations.push(this.#operationFor(settlement, allowance.roster));
    }
    // A settlement that has been sent must not grow.
    this.#endRun();
    if (this.#taken === settlements.length) {
      this.#settlements = [];
      this.#taken = 0;
    }
    return operations;
  }

  /** The set has other limits, in the era `era`: `pass` turns units into such of the new limits. */
  renew(pass: (units: readonly number[]) => readonly number[], era: Era): void {
    for (const settlement of [...this.#returned, ...this.#settlements]) {
      settlement.due = pass(settlement.due);
      settlement.place = settlement.place?.places.in(era);
    }
    this.#endRun();
  }

  #takeBack(): void {
    if (this.#returned.length === 0) return;
    this.#settlements = [...this.#returned, ...this.#settlements.slice(this.#taken)];
    this.#returned = [];
    this.#taken = 0;
    this.#refunds = this.#settlements.filter(({ due }) => kindOf(due) !== CHARGES).length;
    this.#endRun();
  }

  #merge(session: Session<K>, due: readonly number[], token: number, place: Place | undefined): void {
    const kind = kindOf(due);
    if (kind === BOTH || kind !== this.#runKind || session !== this.#runSession) this.#endRun();
    this.#runKind = kind;
    this.#runSession = session;
    const name = kind === CHARGES ? 0 : token;
    const key = place ? `${name} ${place.digests}` : name;
    const earlier = kind === BOTH ? undefined : this.#run.get(key);
    const sum = earlier && sumOf(earlier.due, due);
    if (sum) {
      earlier.due = sum;
      return;
    }
    const settlement = { session, token, due, place };
    this.#push(settlement);
    this.#run.set(key, settlement);
  }

  #push(settlement: Settlement<K>): void {
    this.#settlements.push(settlement);
    if (kindOf(settlement.due) !== CHARGES) this.#refunds++;
  }

  #endRun(): void {
    this.#run.clear();
    this.#runKind = BOTH;
  }

  #operationFor(settlement: Settlement<K>, roster: Roster): Operation {
    return {
      encode: () => this.#encode(settlement, roster),
      again: () => this.#returned.push(settlement),
      answered: (answer) => this.#count(settlement, answer),
      failed: (error) => {
        // Without an error it may have been done: then the units stay taken rather than come back twice.
        if (error === undefined || this.#sessions.isEnded) return;
        this.#endRun();
        this.#push(settlement);
      },
    };
  }

  /** Counts what went back, and what was charged. */
  #count({ due }: Settlement<K>, answer: string): void {
    for (const [index, units] of parseUnits(answer, this.#set.definitions)) {
      this.#totals.moved(index, units, "refunded");
    }
    due.forEach((units, i) => {
      if (units > 0) this.#totals.moved(i, units, "charged");
    });
  }

  #encode({ session, due, token, place }: Settlement<K>, roster: Roster): string | undefined {
    const { limits, definitions } = this.#set;
    // The resources of a lost session have come back already; its charges and refunds still count.
    const isLost = session !== this.#sessions.current;
    const left = isLost ? due.map((units, i) => (limits[i]!.type === "resource" ? 0 : units)) : due;
    const list = definitions.encode(left, roster.slotsOf(place));
    return list === "" ? undefined : `S${token} ${list}`;
  }
}

function kindOf(due: readonly number[]): Kind {
  let kind: Kind = BOTH;
  for (const units of due) {
    if (units === 0) continue;
    const one = units < 0 ? GIVES_BACK : CHARGES;
    if (kind !== BOTH && kind !== one) return BOTH;
    kind = one;
  }
  return kind;
}

/** The sums of each limit's units; undefined if doubles cannot hold one of them. */
function sumOf(one: readonly number[], other: readonly number[]): readonly number[] | undefined {
  const sums = one.map((units, i) => units + other[i]!);
  return sums.every((units) => Number.isSafeInteger(units)) ? sums : undefined;
}
