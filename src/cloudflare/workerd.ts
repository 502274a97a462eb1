/** What workerd has. */
export { DurableObject, RpcTarget, waitUntil } from "cloudflare:workers";
