/**
 * A request by itself: it came while nothing else of its process waited for an answer. It needs no line, no timer and no account of those
 * before it; once it is refused, or something else goes wrong, it is a request like others.
 */
import type { Definitions } from "./definitions.ts";
import type { Operation, Timing } from "./speaker.ts";
import type { Request } from "./place.ts";
import type { Asked } from "./waiter.ts";

/** The queue, as a lone request sees it. */
interface Host {
  /** Grants it; false if it cannot be granted any more. */
  grantLone(lone: Lone, stamp: number): boolean;
  /** Makes a request like others of it, which is on its way. */
  joinSent(lone: Lone): Operation;
}

export class Lone implements Operation {
  readonly asked: Asked;
  readonly waitedMs = 0;
  /** Part of a batch that is on its way. */
  isSent = false;
  readonly #definitions: Definitions;
  readonly #host: Host;
  /** The operation that it has become. */
  #other: Operation | undefined;

  constructor(asked: Asked, definitions: Definitions, host: Host) {
    this.asked = asked;
    this.#definitions = definitions;
    this.#host = host;
  }

  get request(): Request {
    return this.asked.request;
  }

  encode(): string | undefined {
    if (this.#other) return this.#other.encode();
    return (this.asked.isOnce ? "O" : "T") + this.#definitions.encode(this.asked.request.units);
  }

  takes(): readonly number[] | undefined {
    return this.#other ? this.#other.takes?.() : this.asked.request.units;
  }

  stamped(stamp: number, timing: Timing): void {
    if (this.#other || stamp < 0 || !this.#host.grantLone(this, stamp)) this.join().stamped?.(stamp, timing);
  }

  answered(answer: string, timing: Timing): void {
    this.join().answered(answer, timing);
  }

  failed(error: unknown): void {
    this.join().failed(error);
  }

  again(): void {
    this.join().again();
  }

  /** From now on it is a request like others. */
  join(): Operation {
    this.#other ??= this.#host.joinSent(this);
    return this.#other;
  }
}
