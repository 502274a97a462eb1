/** The part of workerd's own module that is used here. */
declare module "cloudflare:workers" {
  export class DurableObject {
    constructor(ctx: unknown, env: unknown);
  }
  export class RpcTarget {}
  export function waitUntil(promise: Promise<unknown>): void;
}
