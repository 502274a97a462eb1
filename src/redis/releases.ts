/** Hears of releases by other processes, for as long as a waiter of this one waits. */
import { isRefusal, refusalOf } from "./failures.ts";
import { type News, newsOf } from "./news.ts";
import type { Notifier } from "./notifier.ts";
import type { Settings } from "./settings.ts";

/** The sessions of this process, whose own releases it does not have to hear of. */
interface OwnSessions {
  readonly current: { readonly id: string };
  readonly isEnded: boolean;
}

/** How often waiters ask again where no release is heard, in milliseconds. */
const LOOK_MS = 250;

export class Releases {
  readonly #notifier: Notifier;
  readonly #settings: Pick<Settings<never>, "channel" | "onWarning" | "server" | "definitions">;
  readonly #sessions: OwnSessions;
  #stop: (() => void) | undefined;
  #isDeaf = false;
  #hasWarned = false;

  constructor(
    notifier: Notifier,
    settings: Pick<Settings<never>, "channel" | "onWarning" | "server" | "definitions">,
    sessions: OwnSessions,
  ) {
    this.#notifier = notifier;
    this.#settings = settings;
    this.#sessions = sessions;
  }

  /** After how many milliseconds waiters have to ask again, since a release may not be heard. */
  get lookMs(): number {
    return this.#isDeaf || !this.#settings.server.ear ? LOOK_MS : Number.POSITIVE_INFINITY;
  }

  /** Calls `heard` after each release, with the limits that it concerns if these are known, until `stop()`. While it listens, or once the set is closed: does nothing. */
  listen(heard: (news?: readonly News[]) => void): void {
    if (this.#sessions.isEnded || !this.#settings.server.ear) return;
    this.#stop ??= this.#notifier.listen(
      this.#settings.channel,
      (from) => {
        if (from === "") this.#isDeaf = false;
        const { session, news } = newsOf(from, this.#settings.definitions);
        if (session !== this.#sessions.current.id) heard(news);
      },
      (error) => {
        this.#isDeaf = true;
        if (isRefusal(error)) this.#warn(error, "SUBSCRIBE");
        heard();
      },
    );
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** The server does not let this process tell others of its releases. */
  unheard(): void {
    this.#warn("the script may not publish to the channel of the set", "PUBLISH");
  }

  #warn(error: unknown, command: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { channel, onWarning } = this.#settings;
    onWarning(refusalOf(error, channel, command));
  }
}
