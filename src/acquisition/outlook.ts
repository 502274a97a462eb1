/** Why a request is refused, and when it could pass: counted behind the waiters before it. */
import type { Region } from "../core/region.ts";
import { momentInLine } from "../core/windows.ts";
import type { Requests } from "../limits/requests.ts";
import type { Asked, Before, Outlook } from "../waiting/gate.ts";
import type { Place, Ranked, Request } from "../waiting/standing.ts";

/** Up to so many waiters are gone through one by one: where no request is split over windows, that is exact. */
const MOST_COUNTED = 1000;

/** A moment that was found by going through waiters, and the state that it holds for. */
interface Known {
  readonly version: number;
  readonly changes: number;
  readonly key: number;
  readonly turn: number;
  readonly units: number;
  readonly place: Place | undefined;
  readonly moment: number;
}

export class Outlooks {
  /** For each limit, whether it is a window. */
  readonly #windows: readonly boolean[];
  readonly #set: { readonly lines: Before };
  /** For each limit, the list of it alone. */
  readonly #alone: readonly (readonly number[])[];
  /** For each limit, the moment that was found last: a refused try changes nothing, and the next is often alike. */
  readonly #known: (Known | undefined)[];

  constructor(requests: Requests<string>, set: { readonly lines: Before }) {
    this.#windows = requests.windows;
    this.#set = set;
    this.#alone = requests.keys.map((_, index) => [index]);
    this.#known = requests.keys.map(() => undefined);
  }

  /** The outlook of a request that the region has just refused at `now`: its waits are still there to be read. */
  of(region: Region, asked: Asked, now: number): Outlook {
    const { refuser } = region;
    return refuser >= 0 ? this.#ofOne(region, asked, refuser, now) : this.#ofSeveral(region, asked, now);
  }

  #ofOne(region: Region, asked: Asked, index: number, now: number): Outlook {
    const ahead = this.#countAt(asked, index);
    const retryAfterMs = this.#waitOf(region, asked, index, region.waitOf(index), ahead, now);
    const knownMs = retryAfterMs === Number.POSITIVE_INFINITY ? 0 : retryAfterMs;
    return { limitedBy: this.#alone[index]!, retryAfterMs, knownMs, ahead };
  }

  #ofSeveral(region: Region, asked: Asked, now: number): Outlook {
    const { units } = asked.request;
    // The answer to the next question takes their place.
    const waits = units.map((count, index) => (count > 0 ? region.waitOf(index) : 0));
    const refusers = waits.flatMap((wait, index) => (wait > 0 ? [index] : []));
    const limitedBy = this.#bottleneckFirst(region, asked, refusers, now);
    let [retryAfterMs, knownMs, ahead] = [0, 0, 0];
    for (const index of refusers) {
      const before = this.#countAt(asked, index);
      const wait = this.#waitOf(region, asked, index, waits[index]!, before, now);
      retryAfterMs = Math.max(retryAfterMs, wait);
      if (Number.isFinite(wait)) knownMs = Math.max(knownMs, wait);
      ahead = Math.max(ahead, before);
    }
    return { limitedBy, retryAfterMs, knownMs, ahead };
  }

  #waitOf(region: Region, asked: Asked, index: number, wait: number, ahead: number, now: number): number {
    const { units, place } = asked.request;
    return this.waitAt(region, units, place, asked.ranked, index, wait, ahead, now);
  }

  #countAt({ request, ranked, demand }: Asked, index: number): number {
    return demand?.[index] ? this.#set.lines.countBefore(index, ranked, request) : 0;
  }

  /**
   * For how long a limit refuses the request, with so many waiters `ahead` there. The core's answer `wait` counts what they want as one
   * sum; of windows, each of them counts by itself here, since none is split over two windows.
   */
  waitAt(
    region: Region,
    units: readonly number[],
    place: Place | undefined,
    ranked: Ranked,
    index: number,
    wait: number,
    ahead: number,
    now: number,
  ): number {
    if (!this.#windows[index] || ahead === 0 || ahead > MOST_COUNTED || wait === Number.POSITIVE_INFINITY) {
      return wait;
    }
    const reading = region.microsOf(now);
    const known = this.#known[index];
    const moment =
      known && this.#isOf(known, region, units[index]!, place, ranked)
        ? known.moment
        : this.#find(region, { units, place }, ranked, index, wait, reading);
    return Number.isNaN(moment) ? wait : (moment - reading) / 1000;
  }

  /** Whether a moment that is known is that of such a request, now. */
  #isOf(
    known: Known,
    region: Region,
    units: number,
    place: Place | undefined,
    { key, turn }: Ranked,
  ): boolean {
    return (
      known.version === region.version &&
      known.changes === this.#set.lines.changes &&
      known.units === units &&
      known.place === place &&
      known.key === key &&
      known.turn === turn
    );
  }

  #find(
    region: Region,
    request: Request,
    ranked: Ranked,
    index: number,
    wait: number,
    reading: number,
  ): number {
    const { version } = region;
    const { changes } = this.#set.lines;
    const units = request.units[index]!;
    const before = this.#set.lines.demandsBefore(index, ranked, request);
    const moment = momentInLine(region.address, index, before, units, reading, Math.round(wait * 1000));
    const { key, turn } = ranked;
    this.#known[index] = { version, changes, key, turn, units, place: request.place, moment };
    return moment;
  }

  /** The limits that refuse, and first of them those that refuse the request by itself. */
  #bottleneckFirst(
    region: Region,
    asked: Asked,
    refusers: readonly number[],
    now: number,
  ): readonly number[] {
    const { request, demand } = asked;
    if (!refusers.some((index) => demand?.[index])) return refusers;
    region.probe(request.units, now, undefined, request.place?.names);
    const isAlone = (index: number) => region.refuses(index);
    return [...refusers.filter(isAlone), ...refusers.filter((index) => !isAlone(index))];
  }
}
