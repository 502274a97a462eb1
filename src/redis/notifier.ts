/** Hears of releases on the server. All sets of a client share one second connection, which is made when first needed. */
import type { Ear, RedisClient, Server } from "./client.ts";

const notifiers = new WeakMap<RedisClient, Notifier>();

interface Listener {
  /** Hears the session of each release; and `""` when releases before may have been missed. */
  readonly heard: (from: string) => void;
  /** The channel cannot be heard, because of `error`. */
  readonly deaf: (error: unknown) => void;
}

export class Notifier {
  readonly #server: Pick<Server, "ear">;
  readonly #listeners = new Map<string, Set<Listener>>();
  #ear: Promise<Ear> | undefined;
  /** The channels that the server knows to be listened to. */
  #joined = new Set<string>();
  /** The channels that are about to be joined or left: one command of each at a time, however often it changes meanwhile. */
  #changing = new Set<string>();

  /** The notifier of a client. */
  static of(client: RedisClient, server: Pick<Server, "ear">): Notifier {
    const known = notifiers.get(client) ?? new Notifier(server);
    notifiers.set(client, known);
    return known;
  }

  private constructor(server: Pick<Server, "ear">) {
    this.#server = server;
  }

  /**
   * Calls `heard` with the session of each release on `channel`; and with `""` when releases before may have been missed. Calls
   * `deaf` when the channel cannot be heard. Returns a function that stops it.
   */
  listen(
    channel: string,
    heard: (from: string) => void,
    deaf: (error: unknown) => void = () => {},
  ): () => void {
    const listener = { heard, deaf };
    const listeners = this.#listeners.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    this.#listeners.set(channel, listeners.add(listener));
    this.#ear ??= this.#open();
    if (isNew || !this.#joined.has(channel)) void this.#change(channel);
    else queueMicrotask(() => listeners.has(listener) && heard(""));
    return () => this.#leave(channel, listener);
  }

  /** Ends the connection if there are no listeners. */
  retire(): void {
    if (this.#listeners.size > 0) return;
    this.#ear?.then((ear) => ear.end()).catch(() => {});
    this.#forget();
  }

  /** Another connection is made when next needed. */
  #forget(): void {
    this.#ear = undefined;
    this.#joined = new Set();
    this.#changing = new Set();
  }

  async #open(): Promise<Ear> {
    try {
      return await this.#server.ear!(
        (channel, message) => this.#tell(channel, message),
        () => {
          this.#joined.clear();
          for (const channel of this.#listeners.keys()) void this.#change(channel);
        },
      );
    } catch (error) {
      // The next listener tries again. Until then queues ask again by their own timers.
      this.#forget();
      throw error;
    }
  }

  /** Joins a channel that has listeners, and leaves one that has none. */
  async #change(channel: string): Promise<void> {
    const [joined, changing] = [this.#joined, this.#changing];
    if (changing.has(channel)) return;
    changing.add(channel);
    try {
      const ear = await this.#ear!;
      for (;;) {
        // A connection without listeners must not keep the process alive.
        ear.hold(this.#listeners.size > 0);
        const isWanted = this.#listeners.has(channel);
        if (isWanted === joined.has(channel)) break;
        if (isWanted) {
          joined.add(channel);
          await ear.listen(channel);
        } else {
          joined.delete(channel);
          await ear.ignore(channel);
        }
      }
    } catch (error) {
      // Without a connection no release is heard. Queues ask again by their own timers.
      joined.delete(channel);
      for (const { deaf } of [...(this.#listeners.get(channel) ?? [])]) deaf(error);
    }
    changing.delete(channel);
    // Releases before this were not heard.
    if (joined.has(channel)) this.#tell(channel, "");
  }

  #leave(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(channel);
    if (this.#ear) void this.#change(channel);
  }

  #tell(channel: string, from: string): void {
    for (const { heard } of [...(this.#listeners.get(channel) ?? [])]) heard(from);
  }
}
