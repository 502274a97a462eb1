/** The part of workerd's own module that is used here. */
declare module "cloudflare:workers" {
  export class DurableObject {
    protected readonly ctx: import("./bindings.ts").ObjectState;
    protected readonly env: unknown;
    constructor(ctx: import("./bindings.ts").ObjectState, env: unknown);
  }
  export class RpcTarget {}
  export function waitUntil(promise: Promise<unknown>): void;
}
