/** A request in the object. It waits first; once granted, it holds its units until its release or the end of its lease. */
import type { Acquisition } from "../contract.ts";
import type { Era } from "../limits/era.ts";
import type { Naming } from "../limits/partition-names.ts";
import type { Due } from "../waiting/deadlines.ts";
import type { Outcome } from "./protocol.ts";

export class HostedRequest implements Due {
  readonly id: string;
  /** Its abort takes the waiting request out of its line. */
  readonly controller = new AbortController();
  /** The client's end of the request. It changes when the client sends the request again. */
  owner: object | undefined;
  outcome!: Promise<Outcome>;
  /** The number of the era by which its client has named the amounts, if that is known. */
  readonly asked: number | undefined;
  /** The names of the partitions that it takes from; undefined without a view. */
  naming: Naming | undefined;
  /** The era under which it was granted; undefined while it waits. */
  era: Era | undefined;
  /** Undefined while the request waits. */
  acquisition: Acquisition | undefined;
  /** When the lease ends if the client does not renew it; a reading of the set's clock, in milliseconds. */
  deadline = Number.POSITIVE_INFINITY;
  place = -1;

  constructor(id: string, owner: object | undefined, asked?: number) {
    this.id = id;
    this.owner = owner;
    this.asked = asked;
  }
}
