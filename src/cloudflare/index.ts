export { LeaseLostError } from "../leased.ts";
export type { ObjectId, ObjectNamespace, ObjectState, ObjectStorage } from "./bindings.ts";
export {
  type ConnectDurableOptions,
  connectDurable,
  type DurableAcquisition,
  type DurableLimits,
  type KeysOf,
} from "./connect.ts";
export { CannotHostError } from "./errors.ts";
export { LimitSetObject, type LimitSetObjectOptions } from "./object.ts";
