/**
 * What is asked for once: tries, readings and changes of limits; and requests that stand in no line before they have been refused. They
 * are kept in the order of waiting.
 */
import { isBefore, type Ranked } from "../waiting/standing.ts";
import { Reading } from "./reading.ts";

/** A request by itself. */
interface Alone extends Ranked {
  readonly hasLeft: boolean;
}

export class Singles<W extends Alone> {
  #list: (W | Reading)[] = [];
  /** The changes before which others may still have to be asked for. */
  #changes: Reading[] = [];

  add(single: W | Reading): void {
    const list = this.#list;
    let at = list.length;
    // Most come behind all others.
    while (at > 0 && isBefore(single, list[at - 1]!)) at--;
    if (at === list.length) list.push(single);
    else list.splice(at, 0, single);
    if (single instanceof Reading && single.isChange) this.#changes.push(single);
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** Forgets those that are not wanted any more. */
  tidy(): void {
    this.#list = this.#list.filter((one) => (one instanceof Reading ? one.isPending : !one.hasLeft));
    this.#changes = this.#changes.filter((change) => change.isPending);
  }

  clear(): void {
    this.#list = [];
    this.#changes = [];
  }

  /** The turn of the first change before which others may have to be asked for; Infinity if there is none. */
  get firstChange(): number {
    return this.#changes[0]?.turn ?? Number.POSITIVE_INFINITY;
  }

  /** What came before the first change, or before all changes, has been asked for. */
  passChange(): void {
    this.#changes.shift();
  }

  passChanges(): void {
    this.#changes = [];
  }

  /** Takes out those that came before the turn `until`, together with `others`, in order. */
  take(until: number, others: readonly W[]): readonly (W | Reading)[] {
    const all = this.#list;
    if (until === Number.POSITIVE_INFINITY) this.#list = [];
    else this.#list = all.filter(({ turn }) => turn >= until);
    if (until === Number.POSITIVE_INFINITY && others.length === 0) return all;
    const taken = [...others, ...all.filter(({ turn }) => turn < until)];
    return taken.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** Puts back those for which there was no room. */
  putBack(singles: readonly (W | Reading)[]): void {
    if (this.#list.length === 0) this.#list = [...singles];
    else this.#list = [...singles, ...this.#list].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }
}
