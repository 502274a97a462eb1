/** Calls across a channel, by birpc. Others may use the same channel. */
import { createBirpc } from "birpc";
import { soon } from "../platform/soon.ts";
import type { Endpoint } from "../port/endpoint.ts";
import type { PackedThrown } from "../remote/packed-errors.ts";
import type { LimitSetHandle } from "../threads/handle.ts";

/** What the starting side says, in that order: `start`, then calls. */
export interface HostFunctions {
  start(order: StartOrder): Promise<Answer>;
  call(id: number, method: string, args: readonly unknown[], signals: readonly Place[]): Promise<Answer>;
  /** A signal has aborted: that at `index` of the call's places, or, with -1, that of the whole call. */
  abort(id: number, index: number, reason: PackedThrown): void;
  /** Cleans up, before the end. */
  end(): Promise<Answer>;
}

/** Which class to make an object of, and how it gets its limits. */
export interface StartOrder {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly limits: LimitsOrder;
  /** A lock to hold until the end, where that tells of it. */
  readonly lock: string | undefined;
}

export type LimitsOrder =
  /** The empty set. */
  | { readonly kind: "none" }
  | { readonly kind: "shared"; readonly handle: LimitSetHandle }
  /** Over this very channel. */
  | { readonly kind: "served" };

/** Where among the arguments a signal stands: itself, or as `signal` of an options object. */
export type Place = readonly [index: number, inOptions: boolean];

export type Answer = { readonly value: unknown } | { readonly error: PackedThrown };

export interface Caller {
  call<F extends keyof HostFunctions>(
    name: F,
    ...args: Parameters<HostFunctions[F]>
  ): Promise<Awaited<ReturnType<HostFunctions[F]>>>;
  tell<F extends keyof HostFunctions>(name: F, ...args: Parameters<HostFunctions[F]>): void;
  /** Rejects all that is under way, each with an error of its own. */
  end(error: () => unknown): void;
}

/** The name under which limits are served on the channel of a worker. */
export const SERVED_AS = "limitset/worker";

/** Under what our messages are in the channel's. */
const KEY = "limitset/worker/call";

const OPTIONS = { timeout: -1, proxify: false, bind: "functions" } as const;

/** The side that calls. */
export function toCall(endpoint: Endpoint): Caller {
  const rpc = createBirpc<HostFunctions, object, false>(
    {},
    { ...OPTIONS, post: (message) => endpoint.send({ [KEY]: message }), on: hearing(endpoint) },
  );
  return {
    call: (name, ...args) => rpc.$call(name, ...(args as never)) as Promise<never>,
    tell(name, ...args) {
      // Whoever is gone need not be told.
      rpc.$callEvent(name, ...(args as never)).catch(() => {});
    },
    end(error) {
      rpc.$rejectPendingCalls(({ reject }) => reject(error() as Error));
      rpc.$close();
    },
  };
}

/** The side that is called. `fail` makes an answer of what went wrong when an answer was sent. */
export function toAnswer(
  endpoint: Endpoint,
  functions: HostFunctions,
  fail: (error: unknown) => Answer,
): void {
  createBirpc<object, HostFunctions, false>(functions, {
    ...OPTIONS,
    // No sooner than what was said to the limits before: a release is to arrive before the end of the call that made it.
    post: (message: Message) =>
      soon(() => {
        try {
          endpoint.send({ [KEY]: message });
        } catch (error) {
          endpoint.send({ [KEY]: { ...message, r: fail(error) } });
        }
      }),
    on: hearing(endpoint),
  });
}

/** An answer, as birpc sends it. */
interface Message {
  readonly r?: unknown;
}

function hearing(endpoint: Endpoint): (heard: (message: unknown) => void) => void {
  return (heard) => {
    endpoint.receive((message) => {
      const ours = (message as { [KEY]?: unknown } | null | undefined)?.[KEY];
      if (ours !== undefined) heard(ours);
    });
  };
}
