/** How a set goes on in another era: its session, its requests, its settlements and its totals take over the limits that have stayed. */
import { type Era, heirsOf, passCovered, passOn, passRequest } from "../limits/era.ts";
import type { StandIn } from "./away.ts";
import type { RedisQueue } from "./queue.ts";
import type { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import type { Settlements } from "./settlements.ts";
import type { Totals } from "./totals.ts";

/** The parts of a set that know its limits. */
export interface Renewed<K extends string> {
  readonly settings: Settings<K>;
  readonly sessions: Sessions<K>;
  readonly totals: Totals;
  readonly settlements: Settlements<K>;
  readonly queue: RedisQueue<K>;
  readonly standIn: StandIn<K> | undefined;
}

/** `before` is the era that they are of; the settings have the next one. */
export function renew<K extends string>(parts: Renewed<K>, before: Era): void {
  const { settings, sessions, totals, settlements, queue, standIn } = parts;
  const era = settings.era as unknown as Era;
  sessions.current.renew();
  totals.renew(heirsOf(before, era));
  settlements.renew((units) => passOn(before, era, units), era);
  standIn?.redefine(settings.limits);
  queue.renew(({ units, covered, place }) => {
    const next = place?.places.in(era);
    return {
      units: passRequest(place?.era ?? before, next?.era ?? era, units),
      covered: covered && passCovered(before, era, covered),
      place: next,
    };
  });
}
