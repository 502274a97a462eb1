/**
 * The stand-in for the module `cloudflare:workers`, everywhere but in workerd. A program there can connect to objects, through a
 * proxy of their namespace in tests for example, but cannot host them.
 */
// The build for workerd has workerd.ts in its place: see scripts/build.js.
import type { ObjectState } from "./bindings.ts";
import { CannotHostError } from "./errors.ts";

export class DurableObject {
  /** The state of the object, from the runtime. */
  declare protected readonly ctx: ObjectState;
  /** The bindings of the Worker that exports the class. */
  declare protected readonly env: unknown;

  constructor(_ctx: ObjectState, _env: unknown) {
    throw new CannotHostError();
  }
}

export class RpcTarget {}

/** Does nothing: only workerd ends an HTTP request while its promises are pending. */
export function waitUntil(_promise: Promise<unknown>): void {}
