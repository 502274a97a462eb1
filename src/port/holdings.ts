/** The acquisitions that a peer has, by their numbers, and the signals that abort when what they hold is lost. */
import type { LeaseLostError } from "../acquisition/leased.ts";

/**
 * A signal is made when it is first asked for. It is not kept alive here: its listeners may refer to the acquisition, which could
 * then never be found dropped.
 */
type Signal = WeakRef<AbortController>;

export class Holdings {
  /** Each with its signal if it was asked for, or with the reason of its loss. */
  readonly #all = new Map<number, Signal | LeaseLostError | undefined>();
  readonly #changed: () => void;
  #watched = 0;
  /** Why all are lost. */
  #end: LeaseLostError | undefined;

  /** `changed` is called when there is one more or one less, or a signal is asked for. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Whether some acquisition is held. */
  get some(): boolean {
    return this.#all.size > 0;
  }

  /** Whether some acquisition has a signal that could still abort. */
  get someWatched(): boolean {
    return this.#watched > 0;
  }

  add(number: number): void {
    this.#all.set(number, undefined);
    this.#changed();
  }

  /** The acquisition is released. */
  remove(number: number): void {
    this.#set(number, undefined);
    this.#all.delete(number);
    this.#changed();
  }

  /** Aborts `controller` when the acquisition is lost, or now if it is. */
  follow(number: number, controller: AbortController): void {
    const known = this.#end ?? this.#all.get(number);
    if (known && !(known instanceof WeakRef)) controller.abort(known);
    else this.#set(number, new WeakRef(controller));
    this.#changed();
  }

  isLost(number: number): boolean {
    const known = this.#end ?? this.#all.get(number);
    return known !== undefined && !(known instanceof WeakRef);
  }

  /** What this acquisition held is lost. */
  lose(number: number, why: LeaseLostError): void {
    const known = this.#all.get(number);
    this.#set(number, why);
    if (known instanceof WeakRef) known.deref()?.abort(why);
  }

  /** What all acquisitions held is lost, also that of those which the peer is only about to hear of. */
  loseAll(why: LeaseLostError): void {
    this.#end = why;
    for (const number of [...this.#all.keys()]) this.lose(number, why);
  }

  /** The other side may name numbers of which there is no acquisition. */
  #set(number: number, next: Signal | LeaseLostError | undefined): void {
    if (!this.#all.has(number)) return;
    if (this.#all.get(number) instanceof WeakRef) this.#watched--;
    if (next instanceof WeakRef) this.#watched++;
    this.#all.set(number, next);
  }
}
