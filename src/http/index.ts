/**
 * A guard before a service: limits of all, per user and per address, said in headers, the same in every framework.
 *
 * @module
 */
export { canonicalAddress } from "./address.ts";
export { NoAddressError, ProxiesWarning } from "./errors.ts";
export type { FastifyPluginLike } from "./fastify.ts";
export { type Guard, guard } from "./guard.ts";
export type { GetConnInfo, HonoMiddleware } from "./hono.ts";
export type { HttpRequest, Incoming } from "./incoming.ts";
export type {
  FastifyLike,
  FastifyReplyLike,
  FastifyRequestLike,
  HonoLike,
  NodeRequest,
  NodeResponse,
  NodeSocket,
  UpgradeSocket,
} from "./native.ts";
export type { NodeMiddleware } from "./node.ts";
export type {
  AddressOptions,
  AnswerEnd,
  GuardOptions,
  HeaderForm,
  HttpRefusal,
  RefusalAnswer,
} from "./options.ts";
export type { Handle } from "./web.ts";
