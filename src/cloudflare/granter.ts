/** The granter of a connection: its acquisitions are held by the object, under leases. */
import type { Granter } from "../acquisition/acquisition.ts";
import { passCovered, passOn } from "../limits/era.ts";
import type { Requests } from "../limits/requests.ts";
import type { KnownSet } from "./known-sets.ts";
import type { Lease } from "./lease.ts";
import { byName } from "./sending.ts";

export interface DurableGranterInit<M extends string, K extends string = M> {
  readonly known: KnownSet<M, K>;
  /** The set by now: in the same era, or a later one. */
  readonly present: () => KnownSet<M, K>;
  /** The leases that are held, by the tokens of their acquisitions. */
  readonly leases: Map<number, Lease>;
  readonly isClosed: () => boolean;
  /** Acquires with `covered` limits of the present era. */
  readonly acquire: Granter<M, K>["acquireNested"];
}

/** Makes the granter of the acquisitions of one era. */
export function granterOf<M extends string, K extends string>({
  known,
  present,
  leases,
  isClosed,
  acquire,
}: DurableGranterInit<M, K>): Granter<M, K> {
  const { era, requests, config, missingUpdate } = known;
  return {
    ...{ era, requests, config, missingUpdate },
    // An HTTP request that forgets a release needs no watch: the platform tells the object when it ends.
    leaks: undefined,
    get closed() {
      return isClosed();
    },
    settle: (token, taken, used) => {
      const lease = leases.get(token);
      leases.delete(token);
      lease?.end(byName(requests.names, requests.usage(taken, used)));
      return requests.misses(taken, used);
    },
    present: (units) => {
      const later = present();
      return [later.requests as unknown as Requests<string>, passOn(era, later.era, units)];
    },
    acquireNested: (requested, options, covered, token) =>
      acquire(requested, options, passCovered(era, present().era, covered), token),
  };
}
