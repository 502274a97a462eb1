/**
 * A request by itself: it came while nothing else of its process waited for an answer. It needs no line, no timer and no account of those
 * before it. Once it is refused, or others come before it is sent, it is a request like others.
 */
import type { Conversation } from "./conversation.ts";
import type { RedisGate } from "./gate.ts";
import type { Request } from "./place.ts";
import type { Settings } from "./settings.ts";
import type { Operation, Timing } from "./speaker.ts";
import type { Asked, Granted, Waiter } from "./waiter.ts";

/** The others. */
interface Queue {
  enter(asked: Asked, isSent: boolean): Waiter;
  operation(waiter: Waiter): Operation;
}

const NONE: readonly number[] = [];

export class Alone<K extends string> {
  readonly #settings: Settings<K>;
  readonly #conversation: Conversation;
  readonly #gate: RedisGate<K>;
  readonly #queue: Queue;
  #lone: Lone | undefined;

  constructor(settings: Settings<K>, conversation: Conversation, gate: RedisGate<K>, queue: Queue) {
    this.#settings = settings;
    this.#conversation = conversation;
    this.#gate = gate;
    this.#queue = queue;
  }

  /** How many acquires wait for their answer. */
  get waiting(): 0 | 1 {
    return this.#lone && !this.#lone.asked.isOnce ? 1 : 0;
  }

  /** Takes in a request that has nothing before it, if it needs nothing but an answer. */
  admits(asked: Asked): boolean {
    const { units, covered, place } = asked.request;
    if (asked.options || covered || place || this.#lone || !this.#conversation.isFree) return false;
    const { fairBy, definitions } = this.#settings;
    if (fairBy !== undefined || !definitions.isPlain(units)) return false;
    this.#lone = new Lone(this, asked);
    this.#conversation.send();
    return true;
  }

  /** The request, which is sent now. */
  take(): Operation | undefined {
    if (this.#lone) this.#lone.isSent = true;
    return this.#lone;
  }

  /** Others come: the request is one like them, unless it is on its way. */
  yield(): void {
    if (this.#lone && !this.#lone.isSent) this.join();
  }

  /** The request is one like others. */
  join(): void {
    const lone = this.#lone;
    if (lone?.isSent) lone.join();
    else if (lone) this.#queue.enter(lone.asked, false);
    this.#lone = undefined;
  }

  textOf({ request, isOnce }: Asked): string {
    return (isOnce ? "O" : "T") + this.#settings.definitions.encode(request.units);
  }

  /** Grants it; false if it cannot be granted any more. */
  grant(lone: Lone, stamp: number): boolean {
    const granted = this.#gate.grant(lone, stamp, NONE);
    if (granted === undefined) return false;
    this.#lone = undefined;
    lone.asked.resolve(granted as Granted);
    return true;
  }

  /** How it is asked for among the others. It is on its way. */
  operationFor(lone: Lone): Operation {
    if (this.#lone === lone) this.#lone = undefined;
    return this.#queue.operation(this.#queue.enter(lone.asked, true));
  }
}

/** Where a request is by itself. */
type Place = Pick<Alone<string>, "textOf" | "grant" | "operationFor">;

class Lone implements Operation {
  readonly asked: Asked;
  readonly waitedMs = 0;
  /** Part of a batch that is on its way. */
  isSent = false;
  readonly #place: Place;
  /** The operation that it has become. */
  #other: Operation | undefined;

  constructor(place: Place, asked: Asked) {
    this.#place = place;
    this.asked = asked;
  }

  get request(): Request {
    return this.asked.request;
  }

  encode(): string | undefined {
    return this.#other ? this.#other.encode() : this.#place.textOf(this.asked);
  }

  takes(): readonly number[] | undefined {
    return this.#other ? this.#other.takes?.() : this.asked.request.units;
  }

  stamped(stamp: number, timing: Timing): void {
    if (this.#other || stamp < 0 || !this.#place.grant(this, stamp)) this.join().stamped?.(stamp, timing);
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
    this.#other ??= this.#place.operationFor(this);
    return this.#other;
  }
}
