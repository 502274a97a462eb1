/** A peer of a set, as the host sees it. */
import type { Acquisition, Limits } from "../contract.ts";
import { AcquisitionReleasedError, InvalidRequestError } from "../errors.ts";
import type { Limit } from "../limits/limits.ts";
import type { LimitStats } from "../limits/stats.ts";
import { whenLost } from "../platform/locks.ts";
import { packError } from "../remote/packed-errors.ts";
import { isPromise, settle } from "../remote/settling.ts";
import { SignsOfLife } from "./life.ts";
import { ASK, type Op, type Outbox, TELL, unpack, VERSION } from "./protocol.ts";

/** What peers are told of a set. */
export interface Terms<K extends string> {
  readonly limits: Limits<K>;
  readonly definitions: readonly Limit[];
  readonly config: unknown;
  /** Whether the channel tells of its end. */
  readonly tells: boolean;
}

/** What a peer has asked for: it waits until `held` is there. */
interface Entry<K extends string> {
  /** By which a request that waits is taken out of the line. */
  controller: AbortController | undefined;
  held: Acquisition<K> | undefined;
}

const MOST_SPARE = 16;

/** Somebody at the other end: what it has asked for and what it holds. */
export class Peer<K extends string> {
  readonly #terms: Terms<K>;
  readonly #limits: Limits<K>;
  readonly #outbox: Outbox;
  readonly #left: () => void;
  readonly #life: SignsOfLife;
  readonly #entries = new Map<number, Entry<K>>();
  /** Never aborted, and so as good as new: to make one costs a tenth of a round trip. */
  readonly #controllers: AbortController[] = [];
  #last = 0;
  #locked = false;
  #ended = false;

  constructor(terms: Terms<K>, outbox: Outbox, left: () => void) {
    this.#terms = terms;
    this.#limits = terms.limits;
    this.#outbox = outbox;
    this.#left = left;
    this.#life = new SignsOfLife({ lost: () => this.end("no sign of life for too long") });
  }

  hear(ops: readonly Op[]): void {
    this.#life.heard();
    for (const op of ops) if (!this.#ended) this.#do(op);
  }

  /** Gives back all that the peer holds, and takes its requests out of the line; says why, if there is somebody to hear it. */
  end(why: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#life.stop();
    if (why !== undefined) this.#outbox.say(TELL.ENDED, why);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    // First those who wait: what comes back is not for them.
    for (const { controller, held } of entries) if (!held) controller?.abort();
    for (const { held } of entries) if (held) settle(held, undefined);
  }

  #do(op: Op): void {
    const [kind, id, second, third, fourth] = op;
    if (kind === ASK.HELLO) this.#welcome();
    else if (kind === ASK.LOCK) this.#watch(id);
    else if (kind === ASK.PING) this.#outbox.say(TELL.PONG);
    else if (kind === ASK.BYE) this.end(undefined);
    else if (typeof id !== "number") return;
    else if (kind === ASK.CANCEL) this.#cancel(id);
    else if (kind === ASK.RELEASE) this.#release(id, second);
    else if (!this.#isNew(id)) return;
    else if (kind === ASK.ACQUIRE) this.#acquire(id, second, third, fourth);
    else if (kind === ASK.TRY) void this.#try(id, second);
    else if (kind === ASK.STATS) void this.#stats(id);
  }

  /** A number that was used before is that of a message that came twice. */
  #isNew(id: number): boolean {
    if (!(Number.isSafeInteger(id) && id > this.#last)) return false;
    this.#last = id;
    return true;
  }

  #welcome(): void {
    const { definitions, config, tells } = this.#terms;
    const { missingUpdate = "throw" } = this.#limits as { missingUpdate?: "throw" | "charge" };
    this.#outbox.say(TELL.WELCOME, VERSION, definitions, config, missingUpdate, !tells);
  }

  /** The peer holds a lock while it lives: if it is to be seen from here. */
  #watch(lock: unknown): void {
    if (typeof lock !== "string" || this.#locked) return;
    this.#locked = true;
    whenLost(lock, () => this.end(undefined)).then((seen) => {
      if (seen) this.#life.stop();
    });
  }

  #acquire(id: number, around: unknown, packed: unknown, timeoutMs: unknown): void {
    const requested = unpack(packed, this.#limits.keys);
    const limits = around === 0 ? this.#limits : this.#entries.get(around as number)?.held;
    if (!requested || !(timeoutMs === null || typeof timeoutMs === "number")) {
      this.#fail(id, new InvalidRequestError("the host cannot read the request"));
    } else if (!limits) {
      this.#fail(id, new AcquisitionReleasedError("acquire()", "released"));
    } else {
      const controller = this.#controllers.pop() ?? new AbortController();
      const entry: Entry<K> = { controller, held: undefined };
      this.#enter(id, entry);
      const { signal } = controller;
      limits.acquire(requested as never, { timeoutMs: timeoutMs ?? undefined, signal }).then(
        (acquisition) => this.#grant(id, entry, acquisition),
        (error) => {
          this.#lay(entry);
          if (!this.#leave(id, entry)) return;
          if (signal.aborted && error === signal.reason) this.#outbox.say(TELL.CANCELLED, id);
          else this.#fail(id, error);
        },
      );
    }
  }

  async #try(id: number, packed: unknown): Promise<void> {
    const requested = unpack(packed, this.#limits.keys);
    const entry: Entry<K> = { controller: undefined, held: undefined };
    this.#enter(id, entry);
    try {
      if (!requested) throw new InvalidRequestError("the host cannot read the request");
      const answer = this.#limits.tryAcquire(requested as never);
      const acquisition = isPromise(answer) ? await answer : answer;
      if (acquisition.successful) {
        this.#grant(id, entry, acquisition);
      } else if (this.#leave(id, entry)) {
        const { retryAfterMs, limitedBy } = acquisition;
        const wait = retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs;
        const by = limitedBy.map((key) => this.#limits.keys.indexOf(key));
        this.#outbox.say(TELL.REFUSED, id, wait, by);
      }
    } catch (error) {
      if (this.#leave(id, entry)) this.#fail(id, error);
    }
  }

  #grant(id: number, entry: Entry<K>, acquisition: Acquisition<K>): void {
    if (this.#entries.get(id) !== entry) {
      // The peer has gone meanwhile.
      settle(acquisition, undefined);
      return;
    }
    entry.held = acquisition;
    this.#lay(entry);
    this.#outbox.say(TELL.GRANTED, id);
  }

  #cancel(id: number): void {
    const entry = this.#entries.get(id);
    // One that is held has been granted before this came: the peer will know by now.
    if (!entry?.held) entry?.controller?.abort();
  }

  #release(id: number, packed: unknown): void {
    const entry = this.#entries.get(id);
    if (!entry?.held) return;
    this.#leave(id, entry);
    settle(entry.held, unpack(packed, this.#limits.keys));
  }

  async #stats(id: number): Promise<void> {
    try {
      const stats: Readonly<Record<string, LimitStats>> = await this.#limits.stats();
      const rows = this.#limits.keys.map((key) => {
        const { retryAfterMs, ...row } = stats[key]!;
        return { ...row, retryAfterMs: retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs };
      });
      this.#outbox.say(TELL.STATS, id, rows);
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** Keeps the controller of an entry for the next. */
  #lay(entry: Entry<K>): void {
    const { controller } = entry;
    entry.controller = undefined;
    if (controller && !controller.signal.aborted && this.#controllers.length < MOST_SPARE) {
      this.#controllers.push(controller);
    }
  }

  #fail(id: number, error: unknown): void {
    this.#outbox.say(TELL.FAILED, id, packError(error));
  }

  #enter(id: number, entry: Entry<K>): void {
    this.#entries.set(id, entry);
    if (!this.#terms.tells) this.#life.watch(true);
  }

  /** False if it was out already. */
  #leave(id: number, entry: Entry<K>): boolean {
    if (this.#entries.get(id) !== entry) return false;
    this.#entries.delete(id);
    if (this.#entries.size === 0) this.#life.watch(false);
    return true;
  }
}
