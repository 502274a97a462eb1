/** Hono, on all of its runtimes. */
import { type Addressing, pathOf } from "./arrival.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import type { HonoLike, NodeRequest, NodeResponse } from "./native.ts";
import { besides, holdUntilEnded, NodeArrival, tellIn } from "./node.ts";
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

class HonoArrival extends WebArrival {
  private readonly context: HonoLike;
  private readonly info: GetConnInfo | undefined;

  constructor(addresses: Addressing, context: HonoLike, info: GetConnInfo | undefined) {
    super(addresses, context.req.raw, context, [context.env]);
    this.context = context;
    this.info = info;
  }

  override peerAddress(): string | null | undefined {
    return this.info ? this.info(this.context as never).remote.address : super.peerAddress();
  }
}

/** Hono on Node: what the platform's request says is read of Node's own, which costs less. */
class HonoNodeArrival extends NodeArrival {
  private readonly context: HonoLike;
  private readonly info: GetConnInfo | undefined;

  constructor(
    addresses: Addressing,
    context: HonoLike,
    { incoming, outgoing }: Required<OfNode>,
    info: GetConnInfo | undefined,
  ) {
    super(addresses, incoming, context, outgoing);
    this.context = context;
    this.info = info;
  }

  // A middleware before may have put another request in its place.
  override get method(): string {
    return this.context.req.raw.method;
  }

  override get path(): string {
    return pathOf(this.context.req.raw.url);
  }

  override get headers(): Headers {
    return this.context.req.raw.headers;
  }

  override peerAddress(): string | undefined {
    return this.info ? this.info(this.context as never).remote.address : super.peerAddress();
  }
}

export function guardHono(door: Door, info: GetConnInfo | undefined): HonoMiddleware {
  return (context, next) => {
    const { incoming, outgoing } = (context.env ?? {}) as OfNode;
    return incoming?.socket && outgoing?.setHeader
      ? onNode(door, context, next, { incoming, outgoing }, info)
      : elsewhere(door, context, next, info);
  };
}

/** Node knows best when an answer has been sent, and needs no copy of its body or of its headers. */
function onNode(
  door: Door,
  context: HonoLike,
  next: () => Promise<void>,
  node: Required<OfNode>,
  info: GetConnInfo | undefined,
): Promise<Response | undefined> {
  const goOn = (outcome: Outcome): Promise<undefined> | Response => {
    if (outcome === GONE) return goneResponse();
    if (!outcome.passes) {
      // The headers of an answer win over those that are set on Node's.
      const headings = besides(node.outgoing, outcome.headings);
      return refusalResponse({ ...outcome, headings }, context.req.raw.method);
    }
    if (outcome.hold) holdUntilEnded(outcome.hold, node.incoming, node.outgoing);
    tellIn(node.outgoing, outcome.headings);
    return next() as Promise<undefined>;
  };
  try {
    const outcome = door.admit(new HonoNodeArrival(door.addresses, context, node, info));
    // A promise less for each request.
    return Promise.resolve(isPromise(outcome) ? outcome.then(goOn) : goOn(outcome));
  } catch (error) {
    return Promise.reject(error);
  }
}

async function elsewhere(
  door: Door,
  context: HonoLike,
  next: () => Promise<void>,
  info: GetConnInfo | undefined,
): Promise<Response | undefined> {
  const outcome = await door.admit(new HonoArrival(door.addresses, context, info));
  const { raw } = context.req;
  if (outcome === GONE) return goneResponse();
  if (!outcome.passes) return refusalResponse(outcome, raw.method);
  const { hold, headings } = outcome;
  if (!hold) await next();
  else {
    const watch = new Watched(hold, raw, [executionOf(context)]);
    try {
      await next();
      context.res = watch.over(context.res);
    } catch (error) {
      watch.end("broken");
      throw error;
    }
  }
  const { res } = context;
  const dressed = withHeadings(res, headings);
  if (dressed !== res) context.res = dressed;
  return undefined;
}

function executionOf(context: HonoLike): unknown {
  try {
    return context.executionCtx;
  } catch {
    return undefined;
  }
}
