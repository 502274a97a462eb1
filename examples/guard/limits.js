// The limits of the server, wherever they are kept: of all together, of each user, and of each address.
import { CallLimit, ResourceLimit } from "limitset";

/** @typedef {{ calls: number, slots: number, user: number, ip: number, windowMs?: number }} Capacities */

/** @param {Capacities} capacities */
export function limitsOf({ calls, slots, user, ip, windowMs = 60_000 }) {
  return [
    new CallLimit({ key: "calls", capacity: calls, windowMs }),
    new ResourceLimit({ key: "in_flight", capacity: slots }),
    new CallLimit({ key: "per_user", capacity: user, windowMs, per: "user" }),
    new CallLimit({ key: "per_ip", capacity: ip, windowMs, per: "ip" }),
  ];
}

/** The capacities, as the environment has them. @param {string | undefined} text @returns {Capacities} */
export const capacitiesOf = (text) => JSON.parse(text ?? '{"calls":100,"slots":8,"user":20,"ip":50}');
