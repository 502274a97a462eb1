/** How a thread sleeps until another thread gives something back. `assembly/wake.ts` is the side that wakes. */
import { SLEEPERS, WAKE } from "../../assembly/layout.ts";
import type * as core from "../core/sharing.ts";
import { LONGEST_TIMER_MS } from "../platform/clock.ts";
import { sleepOn } from "../platform/sleep.ts";
import { change } from "./change.ts";

export class WakeWord implements core.WakeWord {
  private readonly words: Int32Array;
  private readonly wake: number;
  private readonly sleepers: number;
  /** The value of WAKE when the thread last prepared to sleep. */
  private seen = 0;
  /** The value of WAKE whose change is being waited for asynchronously. */
  private awaited: number | undefined = undefined;
  private callback: (() => void) | undefined = undefined;
  private vigil: ReturnType<typeof setInterval> | undefined = undefined;
  /** Runs an action, unless this thread has been reclaimed: then the region may be gone. */
  private readonly act: (action: () => void) => void;

  constructor(buffer: ArrayBufferLike, start: number, act: (action: () => void) => void) {
    this.act = act;
    this.words = new Int32Array(buffer);
    this.wake = (start + WAKE) / 4;
    this.sleepers = (start + SLEEPERS) / 4;
  }

  get listening(): boolean {
    return this.callback !== undefined;
  }

  prepare(): void {
    // The order matters: a release that is under way may lower the flag at once, and then only the change of WAKE shows it.
    this.seen = Atomics.load(this.words, this.wake);
    this.act(() => Atomics.store(this.words, this.sleepers, 1));
  }

  listen(callback: () => void): void {
    this.callback = callback;
    // Runtimes do not stay alive for an asynchronous wait alone.
    this.vigil ??= setInterval(() => {}, LONGEST_TIMER_MS);
    if (this.awaited === this.seen) return;
    const seen = this.seen;
    this.awaited = seen;
    change(this.words, this.wake, seen).then(() => this.ring(seen));
  }

  rest(): void {
    this.callback = undefined;
    clearInterval(this.vigil);
    this.vigil = undefined;
  }

  sleep(ms: number): boolean {
    return sleepOn(this.words, this.wake, this.seen, ms);
  }

  private ring(seen: number): void {
    if (this.awaited !== seen) return;
    this.awaited = undefined;
    const callback = this.callback;
    this.callback = undefined;
    callback?.();
  }
}
