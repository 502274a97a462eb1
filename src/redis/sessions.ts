/** The sessions of this process, one after another: when one is lost, the next begins. */
import type { Conversation } from "./conversation.ts";
import type { SessionTerms } from "./era-granter.ts";
import { Renewal } from "./renewal.ts";
import { Session } from "./session.ts";
import type { Settings } from "./settings.ts";

/** The calls of acquisitions to their set. */
export type SessionCalls<K extends string> = Pick<SessionTerms<K, Session<K>>, "settle" | "acquireNested">;

export class Sessions<K extends string> {
  readonly renewal: Renewal;
  readonly #terms: SessionTerms<K, Session<K>>;
  readonly #conversation: Conversation;
  #current: Session<K>;
  #isEnded = false;

  constructor(settings: Settings<K>, conversation: Conversation, calls: SessionCalls<K>) {
    const { config, missingUpdate, onWarning, leaseMs, clock } = settings;
    const isClosed = () => this.#isEnded;
    this.#terms = { present: () => settings, config, missingUpdate, onWarning, isClosed, ...calls };
    this.#conversation = conversation;
    this.#current = new Session<K>(this.#terms);
    this.renewal = new Renewal(leaseMs, clock, this);
  }

  get current(): Session<K> {
    return this.#current;
  }

  /** Whether the set is closed in this process. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isAway(): boolean {
    return this.#conversation.isAway || this.#conversation.isRefused;
  }

  /** Renews the lease with the next batch. */
  renew(): void {
    this.#conversation.send();
  }

  /** The acquisitions of the present session hold their resources no more; later ones belong to a new session. */
  lose(why: string): void {
    this.#current.lose(why);
    this.#current = new Session<K>(this.#terms);
    this.#conversation.restart();
    this.renewal.stop();
  }

  end(): void {
    this.#isEnded = true;
    this.renewal.stop();
  }
}
