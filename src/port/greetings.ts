/**
 * Greetings: the first answer to each session of a channel, which welcomes or refuses it. Peers choose the numbers of sessions,
 * and can begin any number of them. A peer that reads nothing could so make the host send for ever. So each greeting carries a
 * mark, a number that cannot be guessed, and a peer that has read it sends it back.
 */
import { systemClock } from "../platform/clock.ts";

/** The first pause of a channel whose greetings are not read. Each further one is twice as long. */
const FIRST_PAUSE_MS = 1_000;

export class Greetings {
  readonly #most: number;
  /** The marks of greetings that are not known to be read, in the order in which they were sent. */
  readonly #unread = new Set<number>();
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntil = 0;

  /** `most` greetings may be unread. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Whether another session may be greeted now. While too many greetings are unread, one is still sent after each pause: they may
   * have gone to connections that were closed before they could read them, and the next one can be read.
   */
  get areOpen(): boolean {
    if (this.#unread.size < this.#most) return true;
    const now = systemClock.now();
    if (now < this.#pausedUntil) return false;
    this.#pausedUntil = now + this.#pauseMs;
    this.#pauseMs *= 2;
    return true;
  }

  /** The mark for a greeting that is sent now. */
  next(): number {
    const mark = newMark();
    this.#unread.add(mark);
    return mark;
  }

  /** The peer has sent this back. Channels keep the order of messages, so earlier greetings have arrived too. */
  read(mark: number): void {
    if (!this.#unread.has(mark)) return;
    for (const earlier of this.#unread) {
      this.#unread.delete(earlier);
      if (earlier === mark) break;
    }
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#pausedUntil = 0;
  }
}

/** A number that the other side can only know by reading it. */
export function newMark(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
  return (high >>> 11) * 2 ** 32 + low;
}
