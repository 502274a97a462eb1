/** A client's signs of life, which all sets of the client share: answers to calls, and the errors of its connection. */
import { builtin } from "../platform/builtin.ts";
import { isReply } from "./failures.ts";

/** The parts of a client that tell of its connection. Not every client has them. */
interface Watched {
  on?(event: string | symbol, listener: (error: unknown) => void): unknown;
  /** Of ioredis. */
  readonly status?: string;
  readonly stream?: { readonly errored?: unknown };
  /** Of node-redis. */
  readonly isOpen?: boolean;
  readonly isReady?: boolean;
}

/** The event by which one hears the errors of a client without being a listener for them. */
const errorMonitor = builtin<{ readonly errorMonitor?: symbol }>("node:events")?.errorMonitor;

export class Pulse {
  readonly #client: Watched;
  /** The numbers of the calls that have not been answered, from the oldest. */
  readonly #open = new Set<number>();
  #calls = 0;
  readonly #watchers = new Set<(error: unknown) => void>();
  #beats = 0;
  #hasAnswered = false;
  #hasFailed = false;
  #error: unknown;

  constructor(client: object) {
    this.#client = client as Watched;
    const { on } = this.#client;
    if (typeof on !== "function") return;
    // What the client does about errors without a listener stays as it is.
    if (errorMonitor) on.call(client, errorMonitor, (error) => this.#fail(error));
    // Without a listener ioredis emits no error, but its stream has it.
    on.call(client, "close", () => this.#fail(this.#client.stream?.errored ?? undefined));
    on.call(client, "reconnecting", () => this.#fail(undefined));
  }

  /**
   * How often the oldest of the unanswered calls has been answered. While this grows, the server is at work on the calls before
   * one that has no answer yet.
   */
  get beats(): number {
    return this.#beats;
  }

  /** The last error of the connection, if the server has answered nothing since. */
  get error(): unknown {
    return this.#error;
  }

  /** Whether the first connection of the client is being made, and has not failed so far. */
  get isConnecting(): boolean {
    if (this.#hasAnswered || this.#hasFailed) return false;
    const { status, isOpen, isReady } = this.#client;
    return status === undefined
      ? isOpen === true && isReady === false
      : status === "wait" || status === "connecting" || status === "connect";
  }

  /** Makes a call to the server. `failed` may answer in place of an error. */
  call<T>(ask: () => Promise<T>, failed: (error: unknown) => T | Promise<T> = rethrow): Promise<T> {
    const number = this.#calls++;
    this.#open.add(number);
    return asked(ask).then(
      (answer) => {
        this.#end(number, true);
        return answer;
      },
      (error) => {
        this.#end(number, isReply(error));
        return failed(error);
      },
    );
  }

  /** Calls `watcher` with each error of the connection, until the function that it returns is called. */
  watch(watcher: (error: unknown) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #end(number: number, isAnswered: boolean): void {
    const isOldest = this.#open.size === 1 || this.#open.values().next().value === number;
    this.#open.delete(number);
    if (!isAnswered) return;
    if (isOldest) this.#beats++;
    this.#hasAnswered = true;
    this.#error = undefined;
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    if (error === undefined) return;
    this.#error = error;
    for (const watcher of [...this.#watchers]) watcher(error);
  }
}

/** What a client answers. It may throw at once. */
function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return ask();
  } catch (error) {
    return Promise.reject(error);
  }
}

function rethrow(error: unknown): never {
  throw error;
}
