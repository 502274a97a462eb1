/** The host's record of one peer: its requests and acquisitions, which end when the peer disappears. */
import type { Acquisition, Limits } from "../contract.ts";
import { AcquisitionReleasedError, InvalidRequestError } from "../errors.ts";
import type { Limit } from "../limits/limits.ts";
import type { LimitStats } from "../limits/stats.ts";
import { whenLost } from "../platform/locks.ts";
import { packError } from "../remote/packed-errors.ts";
import { isPromise, settle } from "../remote/settling.ts";
import { Heartbeat, SILENCE_MS } from "./heartbeat.ts";
import { type Operation, type Outbox, TO_HOST, TO_PEER, unpackAmounts, VERSION } from "./protocol.ts";

/** The set of a host, with the facts that peers are sent. */
export interface ServedSet<K extends string> {
  readonly limits: Limits<K>;
  readonly definitions: readonly Limit[];
  readonly config: unknown;
  /** Whether the channel tells of its end. */
  readonly tells: boolean;
}

/** A request of the peer: it waits until `held` is set. */
interface PeerRequest<K extends string> {
  /** Its abort withdraws the request. */
  controller: AbortController | undefined;
  held: Acquisition<K> | undefined;
}

const MOST_SPARE = 16;

export class Peer<K extends string> {
  readonly #set: ServedSet<K>;
  readonly #limits: Limits<K>;
  readonly #outbox: Outbox;
  readonly #left: () => void;
  readonly #heartbeat: Heartbeat;
  /** By number: requests that wait, and those that are granted until their release. */
  readonly #requests = new Map<number, PeerRequest<K>>();
  /** Controllers that were never aborted and so can be used again: making one costs a tenth of a round trip. */
  readonly #spare: AbortController[] = [];
  #lastNumber = 0;
  #watchesLock = false;
  #ended = false;

  /** `left` is called when the peer has ended. */
  constructor(set: ServedSet<K>, outbox: Outbox, left: () => void) {
    this.#set = set;
    this.#limits = set.limits;
    this.#outbox = outbox;
    this.#left = left;
    this.#heartbeat = new Heartbeat({
      lost: () => this.end(`the peer was silent for ${SILENCE_MS / 1_000} s`),
    });
  }

  receive(ops: readonly Operation[]): void {
    this.#heartbeat.heard();
    for (const op of ops) if (!this.#ended) this.#perform(op);
  }

  /**
   * Withdraws the peer's requests and gives back all that it holds. Tells the peer the reason; without one the peer is gone, or
   * has ended the connection itself.
   */
  end(why: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#heartbeat.stop();
    if (why !== undefined) this.#outbox.send(TO_PEER.ENDED, why);
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    // Waiting requests first: otherwise they would be granted the resources that come back.
    for (const { controller, held } of requests) if (!held) controller?.abort();
    for (const { held } of requests) if (held) settle(held, undefined);
  }

  #perform([kind, number, second, third, fourth]: Operation): void {
    if (kind === TO_HOST.HELLO) this.#welcome();
    else if (kind === TO_HOST.LOCK) this.#watchLock(number);
    else if (kind === TO_HOST.PING) this.#outbox.send(TO_PEER.PONG);
    else if (kind === TO_HOST.BYE) this.end(undefined);
    else if (typeof number !== "number") return;
    else if (kind === TO_HOST.CANCEL) this.#cancel(number);
    else if (kind === TO_HOST.RELEASE) this.#release(number, second);
    else if (!this.#isNew(number)) return;
    else if (kind === TO_HOST.ACQUIRE) this.#acquire(number, second, third, fourth);
    else if (kind === TO_HOST.TRY) void this.#try(number, second);
    else if (kind === TO_HOST.STATS) void this.#stats(number);
  }

  /** False for a number that was used before: the operation has arrived twice. */
  #isNew(number: number): boolean {
    if (!(Number.isSafeInteger(number) && number > this.#lastNumber)) return false;
    this.#lastNumber = number;
    return true;
  }

  #welcome(): void {
    const { definitions, config, tells } = this.#set;
    const { missingUpdate = "throw" } = this.#limits as { missingUpdate?: "throw" | "charge" };
    this.#outbox.send(TO_PEER.WELCOME, VERSION, definitions, config, missingUpdate, !tells);
  }

  /** The peer holds this lock while it lives. If it can be seen from here, it shows the peer's end better than a heartbeat. */
  #watchLock(lock: unknown): void {
    if (typeof lock !== "string" || this.#watchesLock) return;
    this.#watchesLock = true;
    whenLost(lock, () => this.end(undefined)).then((isSeen) => {
      if (isSeen) this.#heartbeat.stop();
    });
  }

  #acquire(number: number, around: unknown, packed: unknown, timeoutMs: unknown): void {
    const requested = unpackAmounts(packed, this.#limits.keys);
    const limits = around === 0 ? this.#limits : this.#requests.get(around as number)?.held;
    if (!requested || !(timeoutMs === null || typeof timeoutMs === "number")) {
      this.#fail(number, new InvalidRequestError("the host cannot read the request"));
    } else if (!limits) {
      this.#fail(number, new AcquisitionReleasedError("acquire()", "released"));
    } else {
      const controller = this.#spare.pop() ?? new AbortController();
      const request: PeerRequest<K> = { controller, held: undefined };
      this.#add(number, request);
      const { signal } = controller;
      limits.acquire(requested as never, { timeoutMs: timeoutMs ?? undefined, signal }).then(
        (acquisition) => this.#grant(number, request, acquisition),
        (error) => {
          this.#keepController(request);
          if (!this.#remove(number, request)) return;
          if (signal.aborted && error === signal.reason) this.#outbox.send(TO_PEER.CANCELLED, number);
          else this.#fail(number, error);
        },
      );
    }
  }

  async #try(number: number, packed: unknown): Promise<void> {
    const requested = unpackAmounts(packed, this.#limits.keys);
    const request: PeerRequest<K> = { controller: undefined, held: undefined };
    this.#add(number, request);
    try {
      if (!requested) throw new InvalidRequestError("the host cannot read the request");
      const answer = this.#limits.tryAcquire(requested as never);
      const acquisition = isPromise(answer) ? await answer : answer;
      if (acquisition.successful) {
        this.#grant(number, request, acquisition);
      } else if (this.#remove(number, request)) {
        const { retryAfterMs, limitedBy } = acquisition;
        const wait = retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs;
        const by = limitedBy.map((key) => this.#limits.keys.indexOf(key));
        this.#outbox.send(TO_PEER.REFUSED, number, wait, by);
      }
    } catch (error) {
      if (this.#remove(number, request)) this.#fail(number, error);
    }
  }

  #grant(number: number, request: PeerRequest<K>, acquisition: Acquisition<K>): void {
    if (this.#requests.get(number) !== request) {
      // The peer has ended in the meantime.
      settle(acquisition, undefined);
      return;
    }
    request.held = acquisition;
    this.#keepController(request);
    this.#outbox.send(TO_PEER.GRANTED, number);
  }

  #cancel(number: number): void {
    const request = this.#requests.get(number);
    // A request that was granted before this arrived stays granted: the answer is on its way to the peer.
    if (!request?.held) request?.controller?.abort();
  }

  #release(number: number, packed: unknown): void {
    const request = this.#requests.get(number);
    if (!request?.held) return;
    this.#remove(number, request);
    settle(request.held, unpackAmounts(packed, this.#limits.keys));
  }

  async #stats(number: number): Promise<void> {
    try {
      const stats: Readonly<Record<string, LimitStats>> = await this.#limits.stats();
      const rows = this.#limits.keys.map((key) => {
        const { retryAfterMs, ...row } = stats[key]!;
        return { ...row, retryAfterMs: retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs };
      });
      this.#outbox.send(TO_PEER.STATS, number, rows);
    } catch (error) {
      this.#fail(number, error);
    }
  }

  /** Keeps the controller of a request that does not wait any more, for the next request. */
  #keepController(request: PeerRequest<K>): void {
    const { controller } = request;
    request.controller = undefined;
    if (controller && !controller.signal.aborted && this.#spare.length < MOST_SPARE) {
      this.#spare.push(controller);
    }
  }

  #fail(number: number, error: unknown): void {
    this.#outbox.send(TO_PEER.FAILED, number, packError(error));
  }

  #add(number: number, request: PeerRequest<K>): void {
    this.#requests.set(number, request);
    if (!this.#set.tells) this.#heartbeat.watch(true);
  }

  /** False if the request was removed before. */
  #remove(number: number, request: PeerRequest<K>): boolean {
    if (this.#requests.get(number) !== request) return false;
    this.#requests.delete(number);
    if (this.#requests.size === 0) this.#heartbeat.watch(false);
    return true;
  }
}
