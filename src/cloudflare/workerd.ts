/** The platform's own module, in the build for workerd. */
export { DurableObject, RpcTarget, waitUntil } from "cloudflare:workers";
