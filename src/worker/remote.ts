/** One of a worker's objects, on a thread or in a process of its own. */
import type { Limits } from "../contract.ts";
import { CannotShareError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { toEndpoint } from "../port/endpoint.ts";
import { type Service, serveLimits } from "../port/serve.ts";
import type { ErrorClasses } from "../remote/error-classes.ts";
import { packThrown, unpackThrown } from "../remote/packed-errors.ts";
import type { LimitSetHandle } from "../threads/handle.ts";
import { shareLimits } from "../threads/share.ts";
import type { ThreadLike } from "../threads/thread-end.ts";
import type { Channel, Ending } from "./channel.ts";
import { CannotCrossError, WorkerCrashedError } from "./errors.ts";
import type { Member } from "./member.ts";
import { type Answer, type Caller, type LimitsOrder, SERVED_AS, type StartOrder, toCall } from "./rpc.ts";
import { takeSignals } from "./signals.ts";

export interface RemoteTerms {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
  /** Undefined if the empty set will do. */
  readonly limits: Limits | undefined;
  /** The caller's classes of errors, by name. */
  readonly errorClasses: () => ErrorClasses;
  /** It ended though nobody had told it to, or could not start; `ready` says whether it ever was. */
  readonly crashed: (ready: boolean) => void;
}

export class RemoteMember implements Member {
  readonly #terms: RemoteTerms;
  readonly #channel: Channel;
  readonly #caller: Caller;
  readonly #started: Promise<void>;
  #service: Service | undefined;
  #active = 0;
  #number = 0;
  #ready = false;
  /** Set when it is to end, or has. */
  #over: Ending | "told" | undefined;

  constructor(channel: Channel, terms: RemoteTerms) {
    this.#terms = terms;
    this.#channel = channel;
    this.#caller = toCall(toEndpoint(channel.endpoint));
    this.#started = this.#start();
    this.#started.then(
      () => {
        this.#ready = true;
        channel.watchLock();
      },
      () => {
        terms.crashed(false);
        this.kill();
      },
    );
    // After those who give back what it held.
    channel.ended.then((ending) => this.#ended(ending));
    channel.hold(false);
  }

  get active(): number {
    return this.#active;
  }

  async call(method: string, given: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const id = ++this.#number;
    this.#channel.hold(++this.#active > 0);
    const { args, places, signals } = takeSignals(given);
    const abort = () => {
      for (const [index, own] of signals.entries()) {
        if (own.aborted) this.#caller.tell("abort", id, index, packThrown(own.reason));
      }
      this.#caller.tell("abort", id, -1, packThrown(signal.reason));
    };
    try {
      await this.#started;
      signal.throwIfAborted();
      signal.addEventListener("abort", abort);
      return await this.#ask(`an argument of ${method}()`, () =>
        this.#caller.call("call", id, method, args, places),
      );
    } finally {
      signal.removeEventListener("abort", abort);
      this.#channel.hold(--this.#active > 0);
    }
  }

  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = "told";
    this.#channel.hold(true);
    const answer = this.#ready ? await this.#caller.call("end").catch(() => undefined) : undefined;
    this.kill();
    await this.#channel.ended;
    if (answer && "error" in answer) throw unpackThrown(answer.error, this.#terms.errorClasses());
  }

  kill(): void {
    this.#over ??= "told";
    this.#channel.kill();
  }

  async #start(): Promise<void> {
    const { module, name, args } = this.#terms;
    const limits = await this.#giveLimits();
    const order: StartOrder = { module, name, args, limits, lock: this.#channel.lock };
    await this.#ask(`an argument of the constructor of ${name}`, () => this.#caller.call("start", order));
  }

  async #giveLimits(): Promise<LimitsOrder> {
    const { limits } = this.#terms;
    const { thread, endpoint } = this.#channel;
    if (!limits) return { kind: "none" };
    const handle =
      thread && limits instanceof LimitSet ? shared(limits as LimitSet<string>, thread) : undefined;
    if (handle) return { kind: "shared", handle };
    // A set that is elsewhere itself is known only once its host has answered.
    await (limits as { ready?: Promise<void> }).ready;
    this.#service = serveLimits(limits, endpoint, { name: SERVED_AS });
    return { kind: "served" };
  }

  async #ask(what: string, ask: () => Promise<Answer>): Promise<unknown> {
    if (typeof this.#over === "object") throw crash(this.#over);
    let answer: Answer;
    try {
      answer = await ask();
    } catch (error) {
      // Nothing but the channel fails here: what the other side throws is an answer.
      throw error instanceof WorkerCrashedError ? error : new CannotCrossError(what, error);
    }
    if ("error" in answer) throw unpackThrown(answer.error, this.#terms.errorClasses());
    return answer.value;
  }

  #ended(ending: Ending): void {
    const told = this.#over !== undefined;
    this.#over = ending;
    this.#service?.stop();
    this.#caller.end(() => crash(ending));
    if (!told) this.#terms.crashed(this.#ready);
  }
}

function crash({ how, cause }: Ending): WorkerCrashedError {
  return new WorkerCrashedError(how, cause);
}

/** Shares the set with the thread of `channel`, which is told the handle; undefined if the set cannot be shared. */
function shared(limits: LimitSet<string>, thread: ThreadLike): LimitSetHandle | undefined {
  try {
    return shareLimits(limits, quiet(thread)).handle;
  } catch (error) {
    if (error instanceof CannotShareError) return undefined;
    throw error;
  }
}

/** The same thread, whose end is watched as ever, but to which no message goes: the handle travels with the order to start. */
function quiet(thread: ThreadLike): ThreadLike {
  const { once, addEventListener } = thread as unknown as Record<
    string,
    { bind(self: unknown): unknown } | undefined
  >;
  return {
    ...(once && { once: once.bind(thread) }),
    ...(addEventListener && { addEventListener: addEventListener.bind(thread) }),
    postMessage({ clock }: LimitSetHandle) {
      // Time has to be the same for all threads.
      if (!clock) throw new CannotShareError("it has a clock of its own");
    },
  } as ThreadLike;
}
