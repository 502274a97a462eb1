// The limits of the server: of all clients, of each user, and of each address.
import { CallLimit, LimitSet } from "limitset";

/**
 * Capacities are HTTP requests in a window.
 *
 * @typedef {{ all: number, user: number, ip: number, windowMs: number }} Capacities
 */

/** @param {Capacities} capacities */
export function makeLimits({ all, user, ip, windowMs }) {
  return new LimitSet({
    limits: [
      new CallLimit({ key: "all", capacity: all, windowMs }),
      new CallLimit({ key: "per_user", capacity: user, windowMs, per: "user" }),
      new CallLimit({ key: "per_ip", capacity: ip, windowMs, per: "ip" }),
    ],
    // Far more addresses come than have a partition at a time: those that have recovered make room.
    partitions: { user: { max: 10_000 }, ip: { max: 20_000 } },
  });
}
