/** Hears of releases on the server. All sets of a client share one second connection, which is made when first needed. */
import type { Ear, RedisClient, Server } from "./client.ts";

const notifiers = new WeakMap<RedisClient, Notifier>();

export class Notifier {
  readonly #server: Server;
  readonly #listeners = new Map<string, Set<(from: string) => void>>();
  #ear: Promise<Ear> | undefined;

  /** The notifier of a client. */
  static of(client: RedisClient, server: Server): Notifier {
    const known = notifiers.get(client) ?? new Notifier(server);
    notifiers.set(client, known);
    return known;
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Calls `listener` with the session of each release on `channel`; and with `""` when releases before may have been missed.
   * Returns a function that stops it.
   */
  listen(channel: string, listener: (from: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    this.#listeners.set(channel, listeners.add(listener));
    this.#ear ??= this.#open();
    if (isNew) void this.#join(channel);
    else queueMicrotask(() => listeners.has(listener) && listener(""));
    return () => this.#leave(channel, listener);
  }

  /** Ends the connection if there are no listeners. */
  retire(): void {
    if (this.#listeners.size > 0) return;
    this.#ear?.then((ear) => ear.end()).catch(() => {});
    this.#ear = undefined;
  }

  async #open(): Promise<Ear> {
    try {
      return await this.#server.ear(
        (channel, message) => this.#tell(channel, message),
        () => {
          for (const channel of this.#listeners.keys()) void this.#join(channel);
        },
      );
    } catch (error) {
      // The next listener tries again. Until then queues ask again by their own timers.
      this.#ear = undefined;
      throw error;
    }
  }

  async #join(channel: string): Promise<void> {
    try {
      const ear = await this.#ear!;
      ear.hold(true);
      await ear.listen(channel);
      // Releases before this were not heard.
      this.#tell(channel, "");
    } catch {
      // Without a connection no release is heard. Queues ask again by their own timers.
    }
  }

  #leave(channel: string, listener: (from: string) => void): void {
    const listeners = this.#listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(channel);
    const last = this.#listeners.size === 0;
    this.#ear
      ?.then(async (ear) => {
        // A connection without listeners must not keep the process alive.
        if (last && this.#listeners.size === 0) ear.hold(false);
        if (!this.#listeners.has(channel)) await ear.ignore(channel);
      })
      .catch(() => {});
  }

  #tell(channel: string, from: string): void {
    for (const listener of [...(this.#listeners.get(channel) ?? [])]) listener(from);
  }
}
