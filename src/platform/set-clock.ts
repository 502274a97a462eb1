/**
 * The clock of one set in one thread. Its readings go on at the pace of the clock behind it: where that was put back, they go on
 * from where they were, so that deadlines and timers keep their length. The set's state is told (`Follower`), since its time and
 * the windows of the wall clock follow rules of their own: `assembly/time.ts` has these.
 *
 * The platform's clock is monotonic. It does not run while the machine sleeps, and is not corrected with the wall clock. So it is
 * compared with the wall clock now and then: a second reading each time would cost as much as a take.
 */
import { InvalidClockError } from "../errors.ts";
import { type Clock, systemClock, systemNow, wallNow } from "./clock.ts";

/** The state of a set in this thread. */
export interface Follower {
  /**
   * From the reading `now` on, `shift` is to be added to the readings for the set's time to be that of the clock behind them, and
   * they are `ahead` further ahead of the wall clock. All are in milliseconds.
   */
  corrected(now: number, shift: number, ahead: number): void;
}

/** The readings of a thread's two clocks at one moment, in milliseconds since the Unix epoch. */
export interface Reading {
  readonly monotonic: number;
  readonly wall: number;
}

/** Whole microseconds, as the core rounds them. */
function toMicros(ms: number): number {
  return Math.floor(ms * 1000 + 0.5);
}

/** The clock is looked at closely when it has moved on by this much since the last time. */
const LOOK_MS = 250;
/** A step up to this is none. */
const TOLERANCE_MS = 1000;
/** Half of the span of readings that need no closer look: from TOLERANCE_MS before the last one to LOOK_MS after it. */
const HALF_MS = 625;
const HALF_SQUARED = 390_625;
// The year 2255: whole microseconds are exact in a double until then.
const LATEST_MS = Number.MAX_SAFE_INTEGER / 1000;
// The year 2039: until then a reading in milliseconds, turned to microseconds, is never off by one.
const PRECISE_MS = 2 ** 41;
// Wall clocks have readings in whole milliseconds, and some are coarser still.
const NOTICEABLE_MS = 20;

export class SetClock implements Clock {
  /** Whether the clock behind it is the platform's, and not one that was passed as an option. */
  readonly isPlatform: boolean;
  private readonly clock: Clock;
  private follower: Follower | undefined;
  /** By how many microseconds its readings are ahead of those of the clock behind it: a whole number, so that sums are exact. */
  private moved = 0;
  /** Readings within HALF_MS of it need no correction and no closer look; it is Infinity while `moved` is not 0. */
  private around = Number.POSITIVE_INFINITY;
  /** By how much its readings are ahead of the wall clock. */
  private ahead = 0;
  private lookedAt = Number.NEGATIVE_INFINITY;

  /** The clock of a set with the option `clock`. */
  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    this.isPlatform = clock === systemClock;
  }

  /**
   * The platform's clock, in agreement with that of the thread which read `theirs`. Monotonic clocks run alike in all threads, but
   * some runtimes set each of them by the wall clock when its thread starts. If the wall clock was changed in between, the two
   * clocks differ by as much as their distances from the wall clock do.
   */
  static agreeing(theirs: Reading): SetClock {
    const clock = new SetClock();
    const ours = clock.read();
    const behind = ours.wall - ours.monotonic - (theirs.wall - theirs.monotonic);
    if (Math.abs(behind) < NOTICEABLE_MS) return clock;
    const agreeing = new SetClock();
    agreeing.moved = clock.moved + toMicros(behind);
    return agreeing;
  }

  /** Tells a state of all corrections from now on; undefined ends that. */
  tell(follower: Follower | undefined): void {
    this.follower = follower;
    if (this.ahead !== 0) follower?.corrected(this.lookedAt, 0, this.ahead);
  }

  now(): number {
    const now = this.isPlatform ? systemNow() : this.clock.now();
    const off = now - this.around;
    // One comparison, of which NaN and Infinity are none.
    return off * off < HALF_SQUARED ? now : this.correct(now);
  }

  /** A reading after a close look. */
  lookAgain(): number {
    return this.look(this.clock.now());
  }

  /** What the clock behind it read when this one read `now`. */
  behind(now: number): number {
    return this.moved === 0 ? now : (toMicros(now) - this.moved) / 1000;
  }

  read(): Reading {
    const monotonic = this.now();
    return { monotonic, wall: wallNow() ?? monotonic };
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const due = this.now() + ms;
    return this.clock.setTimeout(() => {
      // If the clock was put back meanwhile, at least this much time has passed all the same.
      this.lookedAt = Math.max(this.lookedAt, due);
      callback();
    }, ms);
  }

  clearTimeout(timer: unknown): void {
    this.clock.clearTimeout(timer);
  }

  private correct(reading: number): number {
    if (this.moved !== 0) {
      const now = (toMicros(reading) + this.moved) / 1000;
      if (now >= this.lookedAt - TOLERANCE_MS && now < this.lookedAt + LOOK_MS) return now;
    }
    return this.look(reading);
  }

  /** Looks closely at a reading of the clock behind it. Returns the corrected reading. */
  private look(reading: number): number {
    if (!(reading >= 0 && reading <= LATEST_MS)) throw new InvalidClockError(reading);
    const { moved } = this;
    let now = moved === 0 ? reading : (toMicros(reading) + moved) / 1000;
    let ahead = this.ahead;
    let back = now < this.lookedAt - TOLERANCE_MS ? Math.ceil(this.lookedAt - now) : 0;
    // So many steps, by decades, that they would cost precision: begins again with the clock's own readings. The state goes on by itself.
    const isLeft = back > 0 && now + back > PRECISE_MS;
    if (now + back > PRECISE_MS) back = -moved / 1000;
    now += back;
    ahead += back;
    this.moved += toMicros(back);
    const wall = this.isPlatform ? wallNow() : undefined;
    if (wall !== undefined && Math.abs(now - wall - ahead) > TOLERANCE_MS) {
      // The wall clock was moved, or has gone on while the machine slept.
      this.moved += Math.max(0, toMicros(wall - now));
      now = Math.max(now, wall);
      ahead = now - wall;
    }
    now = this.moved === 0 ? reading : (toMicros(reading) + this.moved) / 1000;
    const further = ahead - this.ahead;
    this.ahead = ahead;
    this.lookedAt = now;
    this.around = this.moved === 0 ? now + LOOK_MS - HALF_MS : Number.POSITIVE_INFINITY;
    if (isLeft || back !== 0 || further !== 0) this.follower?.corrected(now, -back, further);
    return now;
  }
}
