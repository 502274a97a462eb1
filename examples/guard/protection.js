// The guard.
import { guard } from "limitset/http";

/** @param {import("limitset").Limits} limits @param {number} proxies how many proxies stand before the server */
export function protectionOf(limits, proxies) {
  return guard(limits, {
    proxies,
    // The user is one whom the proxy in front has verified. A client without one has the limits of its address only.
    by: ({ request, address }) => ({ ip: address, user: request.headers.get("x-user") }),
    whenAway: "pass",
    maxWaitMs: 100,
  });
}
