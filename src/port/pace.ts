/** The pace of a session, on the host's side: a peer may ask only so far ahead of what it has read. */
import { newMark } from "./greetings.ts";
import { type Operation, TO_HOST } from "./protocol.ts";

export class Pace {
  readonly #maxUnread: number;
  /** The mark that the peer has not sent back yet. */
  #mark: number | undefined;
  /** Whether the peer has read the first mark. */
  #hasRead = false;
  /** The cost of all operations that have arrived. */
  #asked = 0;
  /** The cost of all operations that were handled. */
  #handled = 0;
  #told = 0;

  constructor(maxUnread: number, greeting: number) {
    this.#maxUnread = maxUnread;
    this.#mark = greeting;
  }

  /** The cost of all operations that were handled when the last mark was made. */
  get told(): number {
    return this.#told;
  }

  /** Notes an operation that has arrived. Returns the reason if the session has to end: no honest peer sends it. */
  admit([kind, mark]: Operation, cost: number): string | undefined {
    if (kind === TO_HOST.READ && mark === this.#mark) {
      this.#mark = undefined;
      this.#hasRead = true;
    }
    if (cost === 0) return undefined;
    if (!this.#hasRead) return "the peer asks before it has read the host's welcome";
    if (this.#asked - this.#told >= this.#maxUnread) {
      return `the peer asks on without reading: ${this.#maxUnread} answers are under way, the host's maxUnread`;
    }
    this.#asked += cost;
    return undefined;
  }

  handled(cost: number): void {
    this.#handled += cost;
  }

  /** A new mark, if it is time to send one: the peer has read the last, and has used up half of its bound. */
  nextMark(): number | undefined {
    if (this.#mark !== undefined || this.#handled - this.#told < this.#maxUnread / 2) return undefined;
    this.#told = this.#handled;
    this.#mark = newMark();
    return this.#mark;
  }
}
