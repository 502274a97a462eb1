/** The settlements that go with the next batch: units to give back or to charge, by acquisition. */
import type { Limit } from "../limits/limits.ts";
import type { Conversation, Operation } from "./conversation.ts";
import type { Definitions } from "./definitions.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

export interface Settled {
  readonly limits: readonly Limit[];
  readonly definitions: Definitions;
}

export class Settlements<K extends string> {
  readonly #set: Settled;
  readonly #sessions: Sessions<K>;
  readonly #conversation: Conversation;
  #operations: Operation[] = [];

  constructor(set: Settled, sessions: Sessions<K>, conversation: Conversation) {
    this.#set = set;
    this.#sessions = sessions;
    this.#conversation = conversation;
  }

  get isEmpty(): boolean {
    return this.#operations.length === 0;
  }

  /** Settles `due` units of an acquisition that `session` was granted at `takenAt`: below 0 to give back, above to charge. */
  add(session: Session<K>, due: readonly number[], takenAt: number): void {
    const operation: Operation = {
      encode: () => this.#encode(session, due, takenAt),
      answered: () => {},
      failed: (error) => {
        // Without an error it may have been done: then the units stay taken rather than come back twice.
        if (error !== undefined && !this.#sessions.isEnded) this.#operations.push(operation);
      },
    };
    this.#operations.push(operation);
    this.#conversation.send();
  }

  /** All settlements, which are no longer in here. */
  takeAll(): Operation[] {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  #encode(session: Session<K>, due: readonly number[], takenAt: number): string | undefined {
    const { limits, definitions } = this.#set;
    // The resources of a lost session have come back already; its charges and refunds still count.
    const isLost = session !== this.#sessions.current;
    const left = isLost ? due.map((units, i) => (limits[i]!.type === "resource" ? 0 : units)) : due;
    const list = definitions.encode(left);
    return list === "" ? undefined : `S${takenAt} ${list}`;
  }
}
