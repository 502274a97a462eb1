/** Which limits a peer was told of, on the host's side, and by which its operations go. */
import { type Era, passAmounts } from "../limits/era.ts";
import { metricOf } from "../limits/metrics.ts";
import type { Followed } from "../remote/living-of.ts";
import { packLimits } from "./definitions.ts";
import type { Outbox } from "./outbox.ts";
import { TO_PEER } from "./protocol.ts";
import { readAmounts } from "./reading.ts";

interface PeerErasInit {
  readonly followed: Followed;
  readonly outbox: Outbox;
  /** Ends the session, for this reason. */
  readonly end: (why: string) => void;
}

export class PeerEras {
  readonly #init: PeerErasInit;
  /** The era by which answers go: that which the peer was told last. */
  #told: Era;
  /** The era by which the peer's operations go. */
  #spoken: Era;
  /** Those which the peer was told and does not follow yet. */
  readonly #awaited: Era[] = [];
  #canFollow = false;

  constructor(init: PeerErasInit) {
    this.#init = init;
    this.#told = init.followed.era;
    this.#spoken = this.#told;
  }

  get present(): Era {
    return this.#init.followed.era;
  }

  get told(): Era {
    return this.#told;
  }

  get spoken(): Era {
    return this.#spoken;
  }

  /** The amounts of a request, as the present limits name them. */
  readRequest(packed: unknown): Record<string, number> | undefined {
    const { spoken, present } = this;
    const amounts = readAmounts(packed, spoken.requests.names);
    return amounts && spoken !== present ? passAmounts(spoken, present, amounts) : amounts;
  }

  /** The peer has been welcomed with the era that it was told. `canFollow` tells whether it knows `REDEFINED`. */
  begin(canFollow: boolean): void {
    this.#canFollow = canFollow;
    // By itself it takes the first era to be that of number 0.
    if (canFollow && this.#told.number > 0) this.#send(this.#told);
  }

  /** The era by which the next answer goes. The peer was told of it. */
  tell(era: Era = this.present): Era {
    if (era === this.#told) return era;
    if (!this.#canFollow) {
      this.#init.end(
        "its limits were redefined, and the peer is older than redefine(): use one version of limitset on both sides, or connect again",
      );
      return era;
    }
    this.#send(era);
    return era;
  }

  /** The set has another era. */
  changed(): void {
    if (this.#awaited.length === 0) this.tell();
  }

  /** The peer follows the era of this number. */
  follows(number: unknown): void {
    const place = this.#awaited.findIndex((era) => era.number === number);
    if (place < 0) return;
    this.#spoken = this.#awaited.splice(0, place + 1).at(-1)!;
    this.changed();
  }

  #send(era: Era): void {
    const births = era.tenures.map(({ birth }) => birth);
    this.#told = era;
    this.#awaited.push(era);
    this.#init.outbox.send(TO_PEER.REDEFINED, era.number, packLimits(era.limits), births);
  }
}

/** The usage of a request that has used nothing. */
export function noUsage({ limits }: Era): Record<string, number> {
  const rates = limits.filter(({ type }) => type !== "resource");
  return Object.fromEntries(rates.map((limit) => [metricOf(limit), 0]));
}
