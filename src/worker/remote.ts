/** A member of a pool whose object is on a thread or in a process of its own. */
import type { Limits } from "../contract.ts";
import { CannotShareError } from "../errors.ts";
import type { LimitSet } from "../limit-set.ts";
import { viewedOf } from "../limits/partition-names.ts";
import { toEndpoint } from "../port/endpoint.ts";
import { type Service, serveLimits } from "../port/serve.ts";
import type { ErrorClasses } from "../remote/error-classes.ts";
import { packThrown, unpackThrown } from "../remote/packed-errors.ts";
import type { LimitSetHandle } from "../threads/handle.ts";
import { shareLimits } from "../threads/share.ts";
import type { ThreadLike } from "../threads/thread-end.ts";
import type { Channel, Ending } from "./channel.ts";
import { CannotCrossError, WorkerCrashedError } from "./errors.ts";
import type { Origin } from "./lineage.ts";
import type { Member } from "./member.ts";
import {
  type Answer,
  connectRunner,
  type LimitsSource,
  type RunnerClient,
  SERVED_AS,
  type StartParameters,
} from "./rpc.ts";
import { packView } from "./sent-view.ts";
import { takeSignals } from "./signals.ts";

/** The class, arguments and limits of a remote member, and its ties to its pool. */
export interface RemoteBlueprint {
  /** As of `StartParameters`. */
  readonly origins: readonly Origin[];
  /** The arguments of the constructor. */
  readonly args: readonly unknown[];
  /** Undefined for the empty set. */
  readonly limits: Limits | undefined;
  /** The classes of errors that this side knows. */
  readonly errorClasses: () => ErrorClasses;
  /** Called when the member ended without being told to, or could not start. `wasInUse` tells whether it had started, and was called. */
  readonly crashed: (wasInUse: boolean) => void;
}

export class RemoteMember implements Member {
  readonly #blueprint: RemoteBlueprint;
  readonly #channel: Channel;
  readonly #runner: RunnerClient;
  readonly #started: Promise<void>;
  #service: Service | undefined;
  #active = 0;
  #number = 0;
  #isReady = false;
  /** How the member ended, once it has; before that `"asked"`, if this side has told it to end. */
  #ending: Ending | "asked" | undefined;

  constructor(channel: Channel, blueprint: RemoteBlueprint) {
    this.#blueprint = blueprint;
    this.#channel = channel;
    this.#runner = connectRunner(toEndpoint(channel.endpoint));
    this.#started = this.#start();
    this.#started.then(
      () => {
        this.#isReady = true;
        channel.watchLock();
      },
      () => {
        blueprint.crashed(false);
        this.kill();
      },
    );
    // Registered after the listener of a shared set, which releases all that the member held: only then do its calls reject.
    channel.ended.then((ending) => this.#ended(ending));
    channel.keepAlive(false);
  }

  get active(): number {
    return this.#active;
  }

  async call(method: string, given: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const id = ++this.#number;
    this.#channel.keepAlive(++this.#active > 0);
    const { args, places, signals } = takeSignals(given);
    const abort = () => {
      for (const [index, own] of signals.entries()) {
        if (own.aborted) this.#runner.tell("abort", id, index, packThrown(own.reason));
      }
      this.#runner.tell("abort", id, -1, packThrown(signal.reason));
    };
    try {
      await this.#started;
      signal.throwIfAborted();
      signal.addEventListener("abort", abort);
      return await this.#ask(`an argument of ${method}()`, () =>
        this.#runner.call("call", id, method, args, places),
      );
    } finally {
      signal.removeEventListener("abort", abort);
      this.#channel.keepAlive(--this.#active > 0);
    }
  }

  async end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = "asked";
    this.#channel.keepAlive(true);
    const answer = this.#isReady ? await this.#runner.call("end").catch(() => undefined) : undefined;
    this.kill();
    await this.#channel.ended;
    if (answer && "error" in answer) throw unpackThrown(answer.error, this.#blueprint.errorClasses());
  }

  kill(): void {
    this.#ending ??= "asked";
    this.#channel.kill();
  }

  async #start(): Promise<void> {
    const { origins, args } = this.#blueprint;
    const limits = await this.#giveLimits();
    const parameters: StartParameters = { origins, args, limits, lock: this.#channel.lock };
    await this.#ask(`an argument of the constructor of ${origins.at(-1)!.name}`, () =>
      this.#runner.call("start", parameters),
    );
  }

  async #giveLimits(): Promise<LimitsSource> {
    const { limits } = this.#blueprint;
    const { thread, endpoint } = this.#channel;
    if (!limits) return { kind: "none" };
    const viewed = viewedOf(limits);
    const set = viewed?.set ?? limits;
    const view = viewed && packView(viewed.naming);
    const handle = thread ? shareWith(set as LimitSet<string>, thread) : undefined;
    if (handle) return { kind: "shared", handle, view };
    // A connected set knows its keys only once its own host has answered.
    await (set as { ready?: Promise<void> }).ready;
    this.#service = serveLimits(set, endpoint, { name: SERVED_AS });
    return { kind: "served", view };
  }

  async #ask(what: string, ask: () => Promise<Answer>): Promise<unknown> {
    if (typeof this.#ending === "object") throw crash(this.#ending);
    let answer: Answer;
    try {
      answer = await ask();
    } catch (error) {
      // Only sending can fail here: an error of the other side arrives as an answer.
      throw error instanceof WorkerCrashedError ? error : new CannotCrossError(what, error);
    }
    if ("error" in answer) throw unpackThrown(answer.error, this.#blueprint.errorClasses());
    return answer.value;
  }

  #ended(ending: Ending): void {
    const wasAsked = this.#ending !== undefined;
    this.#ending = ending;
    this.#service?.stop();
    this.#runner.end(() => crash(ending));
    if (!wasAsked) this.#blueprint.crashed(this.#isReady && this.#number > 0);
  }
}

function crash({ how, cause }: Ending): WorkerCrashedError {
  return new WorkerCrashedError(how, cause);
}

/** Shares the set with a thread, and returns the handle. Undefined if the set cannot be shared, as sets of other kinds. */
function shareWith(limits: LimitSet<string>, thread: ThreadLike): LimitSetHandle | undefined {
  try {
    return shareLimits(limits, withoutMessages(thread)).handle;
  } catch (error) {
    if (error instanceof CannotShareError) return undefined;
    throw error;
  }
}

/** The thread, with its id and its end to watch, but without a message to it: the handle travels with the parameters of `start`. */
function withoutMessages(thread: ThreadLike): ThreadLike {
  const { once, addEventListener } = thread as unknown as Record<
    string,
    { bind(self: unknown): unknown } | undefined
  >;
  const { threadId } = thread as { readonly threadId?: number };
  return {
    ...(threadId !== undefined && { threadId }),
    ...(once && { once: once.bind(thread) }),
    ...(addEventListener && { addEventListener: addEventListener.bind(thread) }),
    postMessage({ clock }: LimitSetHandle) {
      // A handle carries no clock but the platform's, and time has to be the same for all threads.
      if (!clock) throw new CannotShareError("it has a clock of its own");
    },
  } as ThreadLike;
}
