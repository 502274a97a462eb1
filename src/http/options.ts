/** The options of `guard`. */
import type { Amounts, Awaitable, PartitionNames } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import {
  checkOptions,
  checksOf,
  invalidRequest,
  isBoolean,
  isFunction,
  isTime,
} from "../limits/known-options.ts";
import { checkPrefix } from "./address.ts";
import type { Incoming } from "./incoming.ts";

/**
 * A form of the headers that tell clients of limits:
 *
 * - `"draft-11"`: `RateLimit` and `RateLimit-Policy` of the IETF's draft 11, with all limits;
 * - `"draft-7"`: `RateLimit: limit=100, remaining=50, reset=5`, and `RateLimit-Policy`;
 * - `"draft-6"`: `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset` in seconds, and `RateLimit-Policy`;
 * - `"x-ratelimit"`: `X-RateLimit-Limit`, `X-RateLimit-Remaining`, and `X-RateLimit-Reset` in seconds since 1970.
 *
 * The older ones tell of one limit: that of which the least is left.
 */
export type HeaderForm = "draft-11" | "draft-7" | "draft-6" | "x-ratelimit";

/**
 * An HTTP request that was refused, or, in shadow mode, would have been.
 *
 * @example
 * const onRefused = ({ incoming, limitedBy }: HttpRefusal) => console.warn(incoming.address, limitedBy);
 * typeof onRefused; // "function"
 */
export interface HttpRefusal {
  /** The HTTP request. */
  readonly incoming: Incoming;
  /** The status of the answer: 429, or 503 where the line is full or the set cannot be reached. */
  readonly status: number;
  /**
   * Why: a limit refused (`"limited"`), it could never pass (`"impossible"`), too many wait (`"full"`), or the set cannot be reached
   * (`"away"`).
   */
  readonly why: "limited" | "impossible" | "full" | "away";
  /** The keys of the limits that refused. */
  readonly limitedBy: readonly string[];
  /** The milliseconds until it could pass; `Infinity` if it needs a release, or if that is not known. */
  readonly retryAfterMs: number;
  /** Whether it passed all the same: the guard is a shadow, or the set cannot be reached and `whenAway` is `"pass"`. */
  readonly shadow: boolean;
}

/** An answer of your own to a refusal. The guard adds `Retry-After` and the headers of limits. */
export interface RefusalAnswer {
  /** The status. Default: that of the refusal. */
  readonly status?: number | undefined;
  /** The body. Default: none. */
  readonly body?: string | undefined;
  /** Headers, by name. Default: `content-type: text/plain; charset=utf-8`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * An HTTP request whose answer has ended.
 *
 * @example
 * const usage = ({ bytes }: AnswerEnd) => ({ bytes });
 * typeof usage; // "function"
 */
export interface AnswerEnd {
  /** The HTTP request. */
  readonly incoming: Incoming;
  /** The status of the answer; 0 if there was none. */
  readonly status: number;
  /** The bytes of the body that were handed to the runtime, before compression by a server. */
  readonly bytes: number;
  /** Whether the answer has been sent: false if it failed, or if the client has gone. */
  readonly complete: boolean;
}

/** The options of a guard that say which address a client has. */
export interface AddressOptions {
  /**
   * How many proxies of yours stand before the server. The client's address is then the one that the outermost of them has written into
   * `forwardedHeader`, counted from the right. 0 for none: the address of the connection. Default: what the framework was told
   * (`trust proxy` of Express, `trustProxy` of Fastify), else the address of the connection, with a `ProxiesWarning` if the header is there.
   */
  readonly proxies?: number | undefined;
  /** The header that your proxies add to. It must be one that they do write: clients can send the other. Default: `"x-forwarded-for"`. */
  readonly forwardedHeader?: "x-forwarded-for" | "forwarded" | undefined;
  /**
   * The name of a header in which a proxy or an edge network says the address, such as `"cf-connecting-ip"`, or a function that returns the
   * address. Not together with `proxies`. The server must not be reachable but by that proxy. Default: as `proxies` says.
   */
  readonly address?:
    | string
    | ((incoming: Pick<Incoming, "request" | "native">) => string | null | undefined)
    | undefined;
  /** How many bits of an IPv6 address count, from 1 to 128. Default: 64, since a client has all addresses behind these. */
  readonly ipv6Prefix?: number | undefined;
}

/** The options of `guard`. */
export interface GuardOptions<M extends string = string, K extends string = string> extends AddressOptions {
  /**
   * The partitions of an HTTP request: names by dimension; null leaves the limits of a dimension out. Default: `{ ip: address }` if a limit is
   * `per: "ip"`, else none.
   */
  readonly by?: ((incoming: Incoming) => Awaitable<PartitionNames>) | undefined;
  /** The tier of an HTTP request. Default: none. */
  readonly tier?: ((incoming: Incoming) => Awaitable<string | undefined>) | undefined;
  /** The amounts to take. Default: 1 of each CallLimit and ResourceLimit. */
  readonly cost?: ((incoming: Incoming) => Awaitable<Amounts<M>>) | undefined;
  /** Whether an HTTP request passes without taking anything. Default: none does. */
  readonly skip?: ((incoming: Incoming) => Awaitable<boolean>) | undefined;
  /**
   * The usage, once the answer has ended; usage beyond the request is charged. It is not awaited: what is known only later, give to `charge` of
   * the set. Default: what was requested.
   */
  readonly usage?: ((end: AnswerEnd) => Amounts<M> | undefined) | undefined;
  /** The longest wait for its turn that is worth to begin, in milliseconds. Default: 0, so that no HTTP request waits. */
  readonly maxWaitMs?: number | undefined;
  /** Whether all pass, and those that would be refused are told to `onRefused` only. Default: false. */
  readonly shadow?: boolean | undefined;
  /** The headers that tell of limits; false for none. `Retry-After` is there in any case. Default: `"draft-11"`. */
  readonly headers?: HeaderForm | readonly HeaderForm[] | false | undefined;
  /** The keys of the limits that headers and bodies tell of. Default: all but shadows and those of infinite capacity. */
  readonly tell?: readonly K[] | undefined;
  /** An answer of your own to a refusal; undefined for the usual one. Default: a problem document. */
  readonly whenRefused?: ((refusal: HttpRefusal) => Awaitable<RefusalAnswer | undefined>) | undefined;
  /**
   * What becomes of HTTP requests while the set cannot be reached, or has not answered within `maxWaitMs`: an answer of status 503, or they
   * pass. Default: `"refuse"`.
   */
  readonly whenAway?: "refuse" | "pass" | undefined;
  /** Called for each refusal, in shadow mode too: the place to log or count them. Its errors go to `onWarning`. Default: none. */
  readonly onRefused?: ((refusal: HttpRefusal) => void) | undefined;
  /**
   * Receives a `ProxiesWarning`, and errors that have no caller: of `usage`, of `onRefused`, and of `node()` and `upgrade()`, which have no
   * error handler.
   * Default: `process.emitWarning` or `console.warn`, for the first one of each kind.
   */
  readonly onWarning?: ((warning: LimitError) => void) | undefined;
}

/** With the place where warnings go. */
export interface CompleteOptions extends GuardOptions {
  readonly onWarning: (warning: LimitError) => void;
}

const FUNCTIONS = ["by", "tier", "cost", "skip", "usage", "whenRefused", "onRefused", "onWarning"];
const KNOWN = [
  ...FUNCTIONS,
  ...["maxWaitMs", "shadow", "headers", "tell", "whenAway"],
  ...["proxies", "forwardedHeader", "address", "ipv6Prefix"],
];
const FORMS: readonly unknown[] = ["draft-11", "draft-7", "draft-6", "x-ratelimit"];

/** @throws {InvalidRequestError} if an option makes no sense. */
export function checkGuardOptions<O extends object>(options: O): O {
  checkOptions("guard", options, KNOWN, invalidRequest);
  const values = options as Readonly<Record<string, unknown>>;
  const check = checksOf(options, invalidRequest);
  const oneOf = (name: string, ...choices: readonly string[]) =>
    check(
      name,
      (value) => choices.includes(value as string),
      choices.map((choice) => JSON.stringify(choice)).join(" or "),
    );
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const isForms = (value: unknown) => {
    const forms: readonly unknown[] = [value].flat();
    return (
      forms.every((form) => FORMS.includes(form)) &&
      !(forms.includes("draft-11") && forms.includes("draft-7"))
    );
  };
  const isKeys = (value: unknown) => Array.isArray(value) && value.every((key) => typeof key === "string");
  for (const name of FUNCTIONS) check(name, isFunction, "a function");
  check("maxWaitMs", isTime, "a number of milliseconds, 0 or more");
  check("shadow", isBoolean, "true or false");
  check(
    "headers",
    (value) => value === false || isForms(value),
    `${FORMS.map((form) => `"${form}"`).join(", ")}, a list of these with one of the first two at most, or false`,
  );
  check("tell", isKeys, "a list of keys of limits");
  oneOf("whenAway", "refuse", "pass");
  check("proxies", isCount, "the number of your proxies, 0 or more");
  oneOf("forwardedHeader", "x-forwarded-for", "forwarded");
  check(
    "address",
    (value) =>
      typeof value === "function" || (typeof value === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(value)),
    "the name of a header, or a function",
  );
  if (values["address"] !== undefined && values["proxies"] !== undefined) {
    throw invalidRequest(
      "proxies",
      values["proxies"],
      "left out, since the option address says where the address stands",
    );
  }
  checkPrefix((values["ipv6Prefix"] ?? 64) as number);
  return options;
}
