/** A request that somebody has made of the object: it waits, or holds until it is released or not heard of. */
import type { Acquisition } from "../contract.ts";
import type { Due } from "../waiting/deadlines.ts";
import type { Outcome } from "./protocol.ts";

export class Holding implements Due {
  readonly id: string;
  /** By which the request is taken out of the line. */
  readonly controller = new AbortController();
  /** Whose it is: another one after the client had to ask again. */
  owner: object | undefined;
  outcome!: Promise<Outcome>;
  /** What it holds; undefined while it waits. */
  held: Acquisition | undefined;
  /** Until when it is held if nothing is heard. */
  deadline = Number.POSITIVE_INFINITY;
  place = -1;

  constructor(id: string, owner: object | undefined) {
    this.id = id;
    this.owner = owner;
  }
}
