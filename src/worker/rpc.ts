/** Calls between a worker's starting side and its runner, by birpc, over a channel that the limits and others may use too. */
import { createBirpc } from "birpc";
import { soon } from "../platform/soon.ts";
import type { Endpoint } from "../port/endpoint.ts";
import type { PackedThrown } from "../remote/packed-errors.ts";
import type { LimitSetHandle } from "../threads/handle.ts";
import type { Origin } from "./lineage.ts";
import type { SentView } from "./sent-view.ts";

/** The functions of a runner. `start` comes first. */
export interface RunnerFunctions {
  start(parameters: StartParameters): Promise<Answer>;
  /** Makes one attempt of a call. `places` are those of the signals among its arguments. */
  call(id: number, method: string, args: readonly unknown[], places: readonly SignalPlace[]): Promise<Answer>;
  /** Aborts the signal at `index` of the call's places; with -1, the attempt itself. */
  abort(id: number, index: number, reason: PackedThrown): void;
  /** Lets the object clean up, before the thread or process is ended. */
  end(): Promise<Answer>;
}

export interface StartParameters {
  /** The class is the last of these; those before it are the classes of the threads and processes that have started this one. */
  readonly origins: readonly Origin[];
  /** The arguments of the constructor. */
  readonly args: readonly unknown[];
  readonly limits: LimitsSource;
  /** The lock of `Channel.lock`. */
  readonly lock: string | undefined;
}

/** How the object gets its limits. */
export type LimitsSource =
  /** They are the empty set. */
  | { readonly kind: "none" }
  /** The set is in shared memory. The limits are a view of it if there is one. */
  | { readonly kind: "shared"; readonly handle: LimitSetHandle; readonly view: SentView | undefined }
  /** The set is served over the channel of these calls. */
  | { readonly kind: "served"; readonly view: SentView | undefined };

/** The place of a signal: the index of an argument, which is the signal itself or an options object with a `signal`. */
export type SignalPlace = readonly [index: number, isInOptions: boolean];

export type Answer = { readonly value: unknown } | { readonly error: PackedThrown };

/** A runner, as the starting side sees it. */
export interface RunnerClient {
  /** Calls a function. Rejects if the arguments cannot be sent, or as `end` says. */
  call<F extends keyof RunnerFunctions>(
    name: F,
    ...args: Parameters<RunnerFunctions[F]>
  ): Promise<Awaited<ReturnType<RunnerFunctions[F]>>>;
  /** Calls a function whose answer does not matter. */
  tell<F extends keyof RunnerFunctions>(name: F, ...args: Parameters<RunnerFunctions[F]>): void;
  /** Ends the connection. Calls under way reject, each with an error of its own. */
  end(error: () => unknown): void;
}

/** The name under which limits are served on the channel of a worker. */
export const SERVED_AS = "limitset/worker";

/** The property that tells the messages of these calls from others on the channel. */
const KEY = "limitset/worker/call";

const OPTIONS = { timeout: -1, proxify: false, bind: "functions" } as const;

export function connectRunner(endpoint: Endpoint): RunnerClient {
  const rpc = createBirpc<RunnerFunctions, object, false>(
    {},
    { ...OPTIONS, post: (message) => endpoint.send({ [KEY]: message }), on: receiving(endpoint) },
  );
  return {
    call: (name, ...args) => rpc.$call(name, ...(args as never)) as Promise<never>,
    tell(name, ...args) {
      // If the runner is gone, there is nothing left to tell it.
      rpc.$callEvent(name, ...(args as never)).catch(() => {});
    },
    end(error) {
      rpc.$rejectPendingCalls(({ reject }) => reject(error() as Error));
      rpc.$close();
    },
  };
}

/** Answers calls by `functions`. If an answer cannot be sent, the answer is that of `fail`. */
export function serveRunner(
  endpoint: Endpoint,
  functions: RunnerFunctions,
  fail: (error: unknown) => Answer,
): void {
  createBirpc<object, RunnerFunctions, false>(functions, {
    ...OPTIONS,
    // A little later, as the messages of the limits: a release has to arrive before the answer to its call.
    post: (message: Message) =>
      soon(() => {
        try {
          endpoint.send({ [KEY]: message });
        } catch (error) {
          endpoint.send({ [KEY]: { ...message, r: fail(error) } });
        }
      }),
    on: receiving(endpoint),
  });
}

/** An answer, as birpc sends it. */
interface Message {
  readonly r?: unknown;
}

function receiving(endpoint: Endpoint): (listener: (message: unknown) => void) => void {
  return (listener) => {
    endpoint.receive((received) => {
      const message = (received as { [KEY]?: unknown } | null | undefined)?.[KEY];
      if (message !== undefined) listener(message);
    });
  };
}
