/** A guarded handler, on a clock that tests move. */
import { type Guard, type GuardOptions, guard, type HttpRefusal } from "../../src/http/index.ts";
import { type LimitLike, LimitSet } from "../../src/index.ts";
import type { LimitSetOptions } from "../../src/limits/options.ts";
import { ManualClock } from "../../src/testing/index.ts";

export interface Lab {
  readonly clock: ManualClock;
  readonly limits: LimitSet<string>;
  readonly protect: Guard;
  readonly refusals: readonly HttpRefusal[];
  readonly warnings: readonly Error[];
  /** Sends a request from an address. */
  send(path?: string, init?: RequestInit & { readonly from?: string }): Promise<Response>;
  /** What is used of a limit. */
  used(key: string): number;
}

type Answer = (request: Request) => Response | Promise<Response>;

export function lab(
  limits: readonly LimitLike[],
  options: GuardOptions<string> & { readonly answer?: Answer; readonly set?: Partial<LimitSetOptions> } = {},
): Lab {
  const { answer = () => new Response("hello"), set: more = {}, ...rest } = options;
  const clock = new ManualClock(Date.UTC(2026, 10, 28));
  const set = new LimitSet<string>({
    limits: limits as readonly LimitLike<string>[],
    clock,
    ...(more as LimitSetOptions<string>),
  });
  const refusals: HttpRefusal[] = [];
  const warnings: Error[] = [];
  const protect = guard(set, {
    onRefused: (refusal) => refusals.push(refusal),
    onWarning: (warning) => warnings.push(warning),
    ...rest,
  });
  const serve = protect.handler((request: Request, _: unknown) => answer(request));
  return {
    ...{ clock, limits: set, protect, refusals, warnings },
    send: (path = "/", { from = "192.0.2.7", ...init } = {}) =>
      serve(new Request(`https://example.com${path}`, init), { remoteAddr: { hostname: from } }),
    used: (key) => set.stats()[key]!.used,
  };
}
