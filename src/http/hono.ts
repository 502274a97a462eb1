/** Hono, on all of its runtimes. */
import { type Door, GONE } from "./door.ts";
import type { Arrival } from "./incoming.ts";
import type { HonoLike, NodeRequest, NodeResponse } from "./native.ts";
import { holdUntilEnded } from "./node.ts";
import { goneResponse, refusalResponse, Watched, WebArrival, withHeadings } from "./web.ts";

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoLike, next: () => Promise<void>) => Promise<Response | undefined>;

/** Hono's `getConnInfo`, which each of its runtimes has. */
export type GetConnInfo = (context: never) => {
  /** The other end of the connection. */
  readonly remote: {
    /** Its address. */
    readonly address?: string | undefined;
  };
};

/** Node's own objects, beneath Hono. */
interface OfNode {
  readonly incoming?: NodeRequest;
  readonly outgoing?: NodeResponse;
}

class HonoArrival extends WebArrival implements Arrival {
  private readonly context: HonoLike;
  private readonly info: GetConnInfo | undefined;

  constructor(context: HonoLike, info: GetConnInfo | undefined) {
    super(context.req.raw, context, [context.env]);
    this.context = context;
    this.info = info;
  }

  override peerAddress(): string | null | undefined {
    return this.info ? this.info(this.context as never).remote.address : super.peerAddress();
  }
}

export function guardHono(door: Door, info: GetConnInfo | undefined): HonoMiddleware {
  return async (context, next) => {
    const outcome = await door.admit(new HonoArrival(context, info));
    const { raw } = context.req;
    if (outcome === GONE) return goneResponse();
    if (!outcome.passes) return refusalResponse(outcome, raw.method);
    const { hold, headings } = outcome;
    const { incoming, outgoing } = (context.env ?? {}) as OfNode;
    if (incoming?.socket && outgoing?.setHeader) {
      // Node knows best when an answer has been sent, and needs no copy of its body or of its headers.
      if (hold) holdUntilEnded(hold, incoming, outgoing);
      for (let i = 0; i < headings.length; i += 2) outgoing.setHeader(headings[i]!, headings[i + 1]!);
      await next();
      return undefined;
    }
    if (!hold) await next();
    else {
      const watch = new Watched(hold, raw, [executionOf(context)]);
      try {
        await next();
      } catch (error) {
        watch.end("broken");
        throw error;
      }
      context.res = watch.over(context.res);
    }
    const { res } = context;
    const dressed = withHeadings(res, headings);
    if (dressed !== res) context.res = dressed;
    return undefined;
  };
}

function executionOf(context: HonoLike): unknown {
  try {
    return context.executionCtx;
  } catch {
    return undefined;
  }
}
