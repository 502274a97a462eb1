/** The exports of the module `cloudflare:workers` that this folder uses. */
declare module "cloudflare:workers" {
  export class DurableObject {
    protected readonly ctx: import("./bindings.ts").ObjectState;
    protected readonly env: unknown;
    constructor(ctx: import("./bindings.ts").ObjectState, env: unknown);
  }
  export class RpcTarget {}
  export function waitUntil(promise: Promise<unknown>): void;
}
