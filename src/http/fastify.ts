/** Fastify. */
import type { Awaitable } from "../contract.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from "./native.ts";
import { besides, hasGone, holdUntilEnded, NodeArrival } from "./node.ts";

/** A plugin of Fastify. */
export type FastifyPluginLike = (
  instance: FastifyLike,
  options: unknown,
  done: (error?: Error) => void,
) => void;

class FastifyArrival extends NodeArrival {
  override frameworkAddress(): string | undefined {
    const request = this.native as FastifyRequestLike;
    // Without the option `trustProxy` there are no `ips`, and the address is that of the connection.
    return "ips" in request ? request.ip : undefined;
  }
}

export function guardPlugin(door: Door): FastifyPluginLike {
  const plugin: FastifyPluginLike = (instance, _, done) => {
    instance.addHook("onRequest", (request, reply, next) => enter(door, request, reply, next));
    done();
  };
  // A plugin has a context of its own otherwise, in which there are no routes: this one guards where it is registered.
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: "limitset",
  });
}

function enter(
  door: Door,
  request: FastifyRequestLike,
  reply: FastifyReplyLike,
  next: (error?: Error) => void,
): void {
  const { raw } = request;
  let outcome: Awaitable<Outcome>;
  try {
    outcome = door.admit(new FastifyArrival(door.addresses, raw, request, reply.raw));
  } catch (error) {
    failed(error, request, next);
    return;
  }
  if (isPromise(outcome)) {
    outcome.then(
      (known) => goOn(known, request, reply, next),
      (error) => failed(error, request, next),
    );
  } else goOn(outcome, request, reply, next);
}

function failed(error: unknown, { raw }: FastifyRequestLike, next: (error?: Error) => void): void {
  if (!hasGone(raw.socket)) next(error as Error);
}

function goOn(
  outcome: Outcome,
  request: FastifyRequestLike,
  reply: FastifyReplyLike,
  next: () => void,
): void {
  if (outcome === GONE) return;
  if (outcome.passes && outcome.hold) holdUntilEnded(outcome.hold, request.raw, reply.raw);
  const told = besides(reply, outcome.headings);
  for (let i = 0; i < told.length; i += 2) reply.header(told[i]!, told[i + 1]!);
  if (outcome.passes) next();
  else if (!reply.raw.headersSent) {
    reply.code(outcome.status);
    reply.send(outcome.body);
  }
}
