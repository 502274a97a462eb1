/** Providers: what is known of one API, as functions of its requests and answers. */
import type { Awaitable } from "../contract.ts";
import type { Costs } from "../exchange/set.ts";

export type { Costs };

/**
 * A request that is about to be sent. Reading it takes nothing from the request.
 *
 * @example
 * const cost = async (request: FetchRequest) => ({ bytes: (await request.text())?.length ?? 0 });
 * typeof cost; // "function"
 */
export interface FetchRequest {
  /** The address. */
  readonly url: URL;
  /** The method, in capital letters. */
  readonly method: string;
  /** The headers. */
  readonly headers: Headers;
  /** The body as text; undefined if there is none, or if it can be read only once, as a stream. */
  text(): Promise<string | undefined>;
  /** The body as parsed JSON; undefined if it is none. */
  json(): Promise<unknown>;
}

/**
 * An answer, without its body.
 *
 * @example
 * const isRefusal = ({ status }: FetchAnswer) => status === 429;
 * isRefusal(new Response(null, { status: 429 })); // true
 */
export interface FetchAnswer {
  /** The status code. */
  readonly status: number;
  /** The headers. */
  readonly headers: Headers;
}

/**
 * A limit of the server, as an answer says it.
 *
 * @example
 * const said: ServerLimit = { metric: "call_count", capacity: 500, left: 499 };
 * said.left; // 499
 */
export interface ServerLimit {
  /** The metric that it counts. */
  readonly metric: string;
  /** The server's name for it: if the set has a limit with this key, that one is meant. Default: none. */
  readonly name?: string | undefined;
  /** Its capacity. Default: not said. */
  readonly capacity?: number | undefined;
  /** Its window, in milliseconds. Default: not said. */
  readonly windowMs?: number | undefined;
  /** The amount that is left. Default: not said. */
  readonly left?: number | undefined;
  /** The milliseconds for which it lets nothing pass. Default: none. */
  readonly pauseMs?: number | undefined;
}

/**
 * How a body went.
 *
 * @example
 * const course: BodyCourse = { complete: false, streamed: 12, cost: { output_tokens: 1000 } };
 * course.complete; // false
 */
export interface BodyCourse {
  /** Whether it has ended by itself: false if it failed or was cancelled. */
  readonly complete: boolean;
  /** How many tokens its events have had, by estimate; undefined if it is no stream of events. */
  readonly streamed: number | undefined;
  /** The amounts that were reserved, by the metrics of the provider. */
  readonly cost: Costs;
}

/**
 * All that an answer says of limits.
 *
 * @example
 * const reading: Reading = { pauseMs: 2000, limits: [{ metric: "call_count", left: 0 }] };
 * reading.pauseMs; // 2000
 */
export interface Reading {
  /** The milliseconds for which the server wants no request. Default: none. */
  readonly pauseMs?: number | undefined;
  /** Whether the answer is a refusal that no waiting heals: nothing pauses, and no retry follows. Default: false. */
  readonly final?: boolean | undefined;
  /** The server's limits. Default: none. */
  readonly limits?: readonly ServerLimit[] | undefined;
  /** The usage of the request, by metric. Default: not said. */
  readonly used?: Costs | undefined;
}

/**
 * What is known of one API: a set of pure functions. `limitset/llm` has those of model APIs.
 *
 * @example
 * const provider: Provider = {
 *   name: "storage",
 *   cost: async (request) => ({ bytes: (await request.text())?.length ?? 0 }),
 *   head: ({ headers }) => ({ limits: [{ metric: "bytes", left: Number(headers.get("x-bytes-left")) }] }),
 * };
 * provider.name; // "storage"
 */
export interface Provider {
  /** The name of the API. */
  readonly name: string;
  /**
   * The amounts to reserve for a request, by metric. Those of metrics that the set does not have are left out, and none is above what
   * could ever pass. Default: 1 of `call_count`.
   */
  cost?(request: FetchRequest): Awaitable<Costs>;
  /**
   * Reads the headers of an answer. `now` is the time, in milliseconds since the Unix epoch. Default: they say nothing. `Retry-After`
   * needs no provider.
   */
  head?(answer: FetchAnswer, now: number): Reading | undefined;
  /** Reads the body of an answer that may be a refusal: its status is 403, 429, 503 or 529. Default: it is not read. */
  refusal?(text: string, answer: FetchAnswer, now: number): Reading | undefined;
  /** The key of the objects in JSON bodies and events that `body` reads: `"usage"`, for example. Default: none is read. */
  readonly bodyKey?: string;
  /**
   * Reads the object at `bodyKey`: of a JSON body the last one; of a stream of events the fields of all, where later ones win. It is
   * called once, when the body has ended or was broken off; without an object where there was none. Default: it says nothing.
   */
  body?(value: Readonly<Record<string, unknown>> | undefined, course: BodyCourse): Reading | undefined;
}
