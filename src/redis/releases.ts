/** Hears of releases by other processes, for as long as a waiter of this one waits. */
import type { Notifier } from "./notifier.ts";

/** The sessions of this process, whose own releases it does not have to hear of. */
interface OwnSessions {
  readonly current: { readonly id: string };
  readonly isEnded: boolean;
}

export class Releases {
  readonly #notifier: Notifier;
  readonly #key: string;
  readonly #sessions: OwnSessions;
  #stop: (() => void) | undefined;

  constructor(notifier: Notifier, key: string, sessions: OwnSessions) {
    this.#notifier = notifier;
    this.#key = key;
    this.#sessions = sessions;
  }

  /** Calls `heard` after each release until `stop()`. While it listens, or once the set is closed: does nothing. */
  listen(heard: () => void): void {
    if (this.#sessions.isEnded) return;
    this.#stop ??= this.#notifier.listen(this.#key, (from) => {
      if (from !== this.#sessions.current.id) heard();
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
