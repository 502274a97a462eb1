/** How the limits of a set stand, wherever it lives. */
import type { Amounts, Awaitable } from "../contract.ts";
import { type AnyLimits, limitsOf } from "../exchange/set.ts";
import { unitOf } from "../limits/definition.ts";
import { GLANCE, type Glance } from "../limits/living.ts";

interface Here {
  [GLANCE](isBrief: boolean): Glance;
}

/** Undefined where a set that lives elsewhere does not say it. */
export function glanceOf(view: AnyLimits, isBrief: boolean): Awaitable<Glance | undefined> {
  return GLANCE in view
    ? (view as unknown as Here)[GLANCE](isBrief)
    : remoteGlance(view).catch(() => undefined);
}

async function remoteGlance(view: AnyLimits): Promise<Glance> {
  const stats = await view.stats();
  const limits = limitsOf(view);
  const numbers = limits.flatMap((limit) => {
    const { used, retryAfterMs, fullInMs = Number.NaN } = stats[limit.key]!;
    return [used / unitOf(limit), retryAfterMs, fullInMs];
  });
  return { limits, numbers };
}

/** Whether a request of a set in this isolate would pass at once. It is not known of a set that lives elsewhere. */
export function passesNow(view: AnyLimits, amounts: Amounts<string> | undefined): boolean {
  return GLANCE in view && (view.peek(amounts) as { readonly successful: boolean }).successful;
}
