/**
 * Work in pieces: however much a peer asks for or leaves behind, one turn of the host's event loop does only so much of it.
 * The rest is done in later turns, and the host's own timers and messages come in between.
 */
import { systemClock } from "../platform/clock.ts";
import { inNextTurn } from "../platform/next-turn.ts";

/** The longest piece. */
const LONGEST_MS = 5;
/** So many steps of a turn are not timed: a turn with few steps then costs neither a timer nor a reading of the clock. */
const FREE_STEPS = 64;
/** The clock is read once for so many steps: a power of two. */
const STEPS_PER_READING = 16;

/** Work of several steps: a generator that yields after each of them. It does not throw. */
export type Job = Iterator<void, void>;

export class Pieces {
  readonly #jobs: Job[] = [];
  #steps = 0;
  #startedAt = 0;
  #isOver = false;
  #isNextTurnDue = false;
  #isRunning = false;

  /** Counts a step of this turn. False if the turn has no time for it. */
  hasTime(): boolean {
    const steps = ++this.#steps;
    if (steps < FREE_STEPS) return true;
    if (steps === FREE_STEPS) {
      this.#startedAt = systemClock.now();
      this.#callNextTurn();
    } else if (!this.#isOver && steps % STEPS_PER_READING === 0) {
      this.#isOver = systemClock.now() - this.#startedAt >= LONGEST_MS;
    }
    return !this.#isOver;
  }

  /** Does the work, now as far as there is time. Jobs of several peers go on side by side. */
  add(job: Job): void {
    this.#jobs.push(job);
    if (!this.#isRunning) this.#run();
  }

  #run(): void {
    this.#isRunning = true;
    while (this.#jobs.length > 0 && this.hasTime()) {
      const job = this.#jobs.shift()!;
      if (!job.next().done) this.#jobs.push(job);
    }
    this.#isRunning = false;
    if (this.#jobs.length > 0) this.#callNextTurn();
  }

  #callNextTurn(): void {
    if (this.#isNextTurnDue) return;
    this.#isNextTurnDue = true;
    inNextTurn(() => {
      this.#isNextTurnDue = false;
      this.#isOver = false;
      this.#steps = 0;
      this.#run();
    });
  }
}
