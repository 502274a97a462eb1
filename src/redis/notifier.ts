/** Hears that something has come back on the server. One second connection for all sets of a client, made when first needed. */
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
   * Calls back with who gave something back on `channel`; and with nobody's name, `""`, when what was published before may have been missed.
   * Returns how to stop.
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

  /** Ends the connection if nobody listens. */
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
      // The next who waits tries again; who waits now looks in by itself.
      this.#ear = undefined;
      throw error;
    }
  }

  async #join(channel: string): Promise<void> {
    try {
      const ear = await this.#ear!;
      ear.hold(true);
      await ear.listen(channel);
      // Whatever came back before this was not heard.
      this.#tell(channel, "");
    } catch {
      // Without a connection nothing is heard; whoever waits looks in by itself.
    }
  }

  #leave(channel: string, listener: (from: string) => void): void {
    const listeners = this.#listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(channel);
    const last = this.#listeners.size === 0;
    this.#ear
      ?.then(async (ear) => {
        // A connection that only would be heard on must not keep the process alive.
        if (last && this.#listeners.size === 0) ear.hold(false);
        if (!this.#listeners.has(channel)) await ear.ignore(channel);
      })
      .catch(() => {});
  }

  #tell(channel: string, from: string): void {
    for (const listener of [...(this.#listeners.get(channel) ?? [])]) listener(from);
  }
}
