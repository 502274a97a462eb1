/** `limitFetch`: a `fetch` that keeps to a set. */
import type { Limits } from "../contract.ts";
import { systemClock } from "../platform/clock.ts";
import { warnOnce } from "../platform/warning.ts";
import {
  checkFetchOptions,
  checkLimits,
  checkRoute,
  type FetchOptions,
  isProvider,
  type Route,
  type RouteOptions,
} from "./options.ts";
import type { Provider } from "./provider.ts";
import { type Init, type Input, readable } from "./request.ts";
import { type Send, sender } from "./sender.ts";

/**
 * Makes a `fetch` that keeps to a set. Each request takes from the set before it is sent, and waits for its turn if need be. It holds
 * resources until the body of the answer has ended, failed or been cancelled; then its usage is settled. What an answer says of limits
 * holds for all that use the set: `Retry-After` pauses it, and what the server has left lowers it.
 *
 * A request that could never pass, or that a bound refuses, is not sent: it resolves with an answer of status 429.
 *
 * @param limits The set: a `LimitSet`, or one that lives elsewhere.
 * @param options The options, or a provider alone.
 * @throws {InvalidRequestError} if an option makes no sense.
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 10, windowMs: 60_000 })] });
 * const limited = limitFetch(limits, { retry: 2, fetch: async () => new Response("hello") });
 * await (await limited("https://api.example.com/")).text(); // "hello"
 * limits.stats().call_count.used; // 1
 */
export function limitFetch<M extends string, K extends string>(
  limits: Limits<M, K>,
  options: FetchOptions<M> | Provider = {},
): typeof globalThis.fetch {
  const all: FetchOptions<M> = isProvider(options) ? { provider: options } : options;
  const { routes = {}, fetch, onWarning = warnOnce(), clock = systemClock, ...rest } = checkFetchOptions(all);
  const { provider: _, cost: __, usage: ___, metrics: ____, for: _____, ...shared } = rest;
  const around = { fetch, onWarning, clock };
  const main = sender(checkLimits(limits), rest as RouteOptions, around);
  const senders = new Map<string, Send>();
  for (const [host, route] of Object.entries(routes)) {
    const { limits: set, ...own } = (route as Partial<Limits> | null)?.acquire
      ? { limits: route as Limits<never, never> }
      : checkRoute(route as Route);
    senders.set(host.toLowerCase(), sender(checkLimits(set), { ...shared, ...own } as RouteOptions, around));
  }

  return async function limitedFetch(input: Input, init?: Init) {
    const request = readable(input, init);
    const { host, hostname } = request.url;
    return (senders.get(host) ?? senders.get(hostname) ?? main)(request, input, init);
  } as typeof globalThis.fetch;
}
