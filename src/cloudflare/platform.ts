/**
 * What stands for workerd's own module elsewhere, where objects can be connected to (through a proxy of their namespace, in
 * tests say), but cannot live.
 */
// In the build for workerd this is workerd.ts: see tsup.config.ts.
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

/** Keeps a request alive until then, where requests end by themselves. */
export function waitUntil(_promise: Promise<unknown>): void {}
