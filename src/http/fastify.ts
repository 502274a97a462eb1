/** Fastify. */
import type { Awaitable } from "../contract.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from "./native.ts";
import { holdUntilEnded, NodeArrival, whenEnded } from "./node.ts";

/** A plugin of Fastify. */
export type FastifyPluginLike = (
  instance: FastifyLike,
  options: unknown,
  done: (error?: Error) => void,
) => void;

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
  const failed = (error: unknown) => {
    if (!raw.socket.destroyed) next(error as Error);
  };
  let outcome: Awaitable<Outcome>;
  try {
    outcome = door.admit(new NodeArrival(raw, request, (listener) => whenEnded(raw, reply.raw, listener)));
  } catch (error) {
    failed(error);
    return;
  }
  if (isPromise(outcome)) outcome.then((known) => goOn(known, request, reply, next), failed);
  else goOn(outcome, request, reply, next);
}

function goOn(
  outcome: Outcome,
  request: FastifyRequestLike,
  reply: FastifyReplyLike,
  next: () => void,
): void {
  if (outcome === GONE) return;
  const { headings } = outcome;
  for (let i = 0; i < headings.length; i += 2) reply.header(headings[i]!, headings[i + 1]!);
  if (outcome.passes) {
    if (outcome.hold) holdUntilEnded(outcome.hold, request.raw, reply.raw);
    next();
  } else {
    reply.code(outcome.status);
    reply.send(outcome.body);
  }
}
