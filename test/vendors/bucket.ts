/** A token bucket of a vendor. It is written apart from the library, and knows only the time. */

export interface Allowance {
  readonly capacity: number;
  readonly windowMs: number;
}

export class Bucket {
  private allowance: Allowance;
  private left: number;
  private at = performance.now();

  constructor(allowance: Allowance) {
    this.allowance = allowance;
    this.left = allowance.capacity;
  }

  get capacity(): number {
    return this.allowance.capacity;
  }

  /** The amount that is left; below 0 where more was used than there was. */
  get remaining(): number {
    const now = performance.now();
    const { capacity, windowMs } = this.allowance;
    this.left = Math.min(capacity, this.left + ((now - this.at) * capacity) / windowMs);
    this.at = now;
    return this.left;
  }

  use(amount: number): void {
    this.left = this.remaining - amount;
  }

  /** The milliseconds until so much is left. */
  until(amount: number): number {
    const { capacity, windowMs } = this.allowance;
    return Math.max(0, ((amount - this.remaining) * windowMs) / capacity);
  }

  /** Shrinks or grows; what is missing stays missing. */
  change(allowance: Allowance): void {
    const missing = this.capacity - this.remaining;
    this.allowance = allowance;
    this.left = allowance.capacity - missing;
  }
}
