/** Outboxes: what one side of a session sends to the other. */
import { soon } from "../platform/soon.ts";
import type { Endpoint } from "./endpoint.ts";
import { costOf, MOST_OPS, type Operation, type Side, TO_HOST } from "./protocol.ts";

/** The receiver of messages: a side of one session, at the other end of a channel. */
export interface Address {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly to: Side;
  readonly session: number;
}

/** Collects the operations of one turn, and sends them as one message. */
export class Outbox {
  readonly #address: Address;
  readonly #failed: (error: unknown) => void;
  /** The operations of this turn. */
  protected ops: Operation[] = [];

  /** `failed` is called with the error when the channel throws, which means that it is gone. */
  constructor(address: Address, failed: (error: unknown) => void) {
    this.#address = address;
    this.#failed = failed;
  }

  send(...op: Operation): void {
    if (this.ops.push(op) === 1) soon(() => this.flush());
  }

  flush(): void {
    const ops = this.ops;
    this.ops = [];
    this.transmit(ops);
  }

  protected transmit(ops: readonly Operation[]): void {
    const { endpoint, name, to, session } = this.#address;
    try {
      for (let at = 0; at < ops.length; at += MOST_OPS) {
        const part = ops.length <= MOST_OPS ? ops : ops.slice(at, at + MOST_OPS);
        endpoint.send({ limitset: name, to, session, ops: part });
      }
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** The outbox of a peer. It keeps back operations whose answers the host would not send yet, and all that come after them. */
export class PeerOutbox extends Outbox {
  #maxUnread = Number.POSITIVE_INFINITY;
  #limits = 0;
  /** The cost of all operations that were sent. */
  #sent = 0;
  /** The cost of those that the host has handled. */
  #handled = 0;
  /** Operations that are kept back, from `#next` on. */
  #kept: Operation[] = [];
  #next = 0;
  /** A mark that is to be sent back. */
  #mark: number | undefined;

  /** The host's bound, for a set of so many limits. */
  keepTo(maxUnread: number, limits: number): void {
    this.#maxUnread = maxUnread;
    this.#limits = limits;
  }

  /** Sends a mark back at once, and goes on with operations that were kept back. */
  read(mark: number, handled: number): void {
    this.#mark = mark;
    if (handled > this.#handled) this.#handled = handled;
    this.flush();
  }

  override flush(): void {
    const mark = this.#mark;
    if (mark === undefined && this.#kept.length === 0 && this.#canSendAll()) {
      super.flush();
      return;
    }
    const ready: Operation[] = [];
    if (mark !== undefined) ready.push([TO_HOST.READ, mark]);
    this.#mark = undefined;
    for (const op of this.ops) this.#kept.push(op);
    this.ops = [];
    while (this.#next < this.#kept.length) {
      const op = this.#kept[this.#next]!;
      const cost = costOf(op[0], this.#limits);
      if (cost > 0 && this.#sent - this.#handled >= this.#maxUnread) break;
      this.#sent += cost;
      this.#next++;
      ready.push(op);
    }
    this.#forgetSent();
    this.transmit(ready);
  }

  /** Whether none of this turn's operations has to be kept back: the usual case, in which they need no copy. */
  #canSendAll(): boolean {
    let sent = this.#sent;
    for (const op of this.ops) sent += costOf(op[0], this.#limits);
    if (sent - this.#handled > this.#maxUnread) return false;
    this.#sent = sent;
    return true;
  }

  /** Sends the last operation of the session, after releases and the like that were kept back; requests are not sent any more. */
  sendLast(...op: Operation): void {
    const kept = [...this.#kept.slice(this.#next), ...this.ops].filter(([kind]) => costOf(kind, 1) === 0);
    this.stop();
    this.transmit([...kept, op]);
  }

  /** Forgets all that is not sent yet, but for a mark. */
  stop(): void {
    this.ops = [];
    this.#kept = [];
    this.#next = 0;
  }

  #forgetSent(): void {
    if (this.#next === this.#kept.length) {
      if (this.#next > 0) this.#kept = [];
      this.#next = 0;
    } else if (this.#next > MOST_OPS && 2 * this.#next > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#next);
      this.#next = 0;
    }
  }
}
