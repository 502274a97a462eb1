/** The inbox of a session, on the host's side: the operations of a peer, in order, in pieces and within bounds. */
import { textOf } from "../remote/text.ts";
import type { Bounds } from "./options.ts";
import { Pace } from "./pace.ts";
import type { Pieces } from "./pieces.ts";
import { costOf, MOST_OPS, type Operation, TO_HOST } from "./protocol.ts";

/** The session to which an inbox belongs. */
export interface InboxInit {
  readonly bounds: Bounds;
  readonly pieces: Pieces;
  /** How many limits the set has. */
  readonly limits: number;
  /** The first mark, which travels with the welcome. */
  readonly greeting: number;
  readonly perform: (op: Operation) => void;
  /** Ends the session, for this reason. */
  readonly end: (why: string) => void;
  readonly sendMark: (mark: number, handled: number) => void;
}

export class Inbox {
  readonly #init: InboxInit;
  readonly #pace: Pace;
  /** Operations for which the turns so far had no time, from `#next` on. */
  #backlog: Operation[] = [];
  #next = 0;
  #isClosed = false;

  constructor(init: InboxInit) {
    this.#init = init;
    this.#pace = new Pace(init.bounds.maxUnread, init.greeting);
  }

  receive(ops: readonly Operation[]): void {
    const { pieces, end } = this.#init;
    for (const op of ops) {
      if (this.#isClosed) return;
      const why = this.#pace.admit(op, this.#costOf(op));
      if (why !== undefined) end(why);
      else if (op[0] === TO_HOST.READ) this.#markIfDue();
      else if (this.#backlog.length > 0) this.#postpone(op);
      else if (pieces.hasTime()) this.#perform(op);
      else {
        this.#postpone(op);
        pieces.add(this.#work());
      }
    }
  }

  /** Performs nothing more. Returns the operations that have arrived and were not performed. */
  close(): readonly Operation[] {
    this.#isClosed = true;
    const rest = this.#backlog.slice(this.#next);
    this.#backlog = [];
    return rest;
  }

  #perform(op: Operation): void {
    try {
      this.#init.perform(op);
    } catch (error) {
      this.#init.end(`the host failed: ${textOf(error)}`);
      return;
    }
    this.#pace.handled(this.#costOf(op));
    this.#markIfDue();
  }

  #postpone(op: Operation): void {
    const { maxRequests, maxUnread } = this.#init.bounds;
    // An honest peer cancels and releases each request once, and says little else.
    const most = 2 * (maxRequests + maxUnread) + MOST_OPS;
    if (this.#backlog.push(op) - this.#next > most) {
      this.#init.end("the peer sends more than it could have asked for");
    }
  }

  *#work(): Generator<void, void> {
    while (this.#next < this.#backlog.length) {
      this.#perform(this.#backlog[this.#next++]!);
      if (this.#isClosed) return;
      if (this.#next % MOST_OPS === 0) {
        this.#backlog = this.#backlog.slice(this.#next);
        this.#next = 0;
      }
      yield;
      if (this.#isClosed) return;
    }
    this.#backlog = [];
    this.#next = 0;
  }

  #costOf([kind]: Operation): number {
    return costOf(kind, this.#init.limits);
  }

  #markIfDue(): void {
    const mark = this.#pace.nextMark();
    if (mark !== undefined) this.#init.sendMark(mark, this.#pace.told);
  }
}
