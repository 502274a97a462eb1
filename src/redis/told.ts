/** The windows of calendars, which travel with each call: the server does not know them, and asks where it needs another one. */
import type { Window } from "../core/kinds.ts";
import type { Definitions } from "./definitions.ts";

/** The present window, and that at the end of a pause. */
const MOST_ASKED = 2;

export class ToldWindows {
  #definitions!: Definitions;
  /** For each limit, the windows that the server has asked for last. */
  #asked!: Window[][];

  constructor(definitions: Definitions) {
    this.renew(definitions);
  }

  /** The set has other limits. */
  renew(definitions: Definitions): void {
    this.#definitions = definitions;
    this.#asked = definitions.indexes.map(() => []);
  }

  /** The windows as the script reads them, with those of the moment `at` in microseconds; empty if there are no calendars. */
  encode(at: number): string {
    const { shapes, indexes } = this.#definitions;
    return shapes
      .flatMap(({ calendar }, i) => {
        if (!calendar) return [];
        const windows = new Set([calendar.windowAt(at), ...this.#asked[i]!]);
        return [...windows].map(({ start, end }) => `${indexes[i]}:${start}:${end}`);
      })
      .join();
  }

  /** Takes up what the script asks for: `index:moment`, joined by commas. */
  ask(text: string): void {
    for (const [, index, moment] of text.matchAll(/(\d+):(\d+)/g)) {
      const limit = this.#definitions.limitAt(Number(index));
      const window = this.#definitions.shapes[limit]!.calendar!.windowAt(Number(moment));
      const asked = this.#asked[limit]!;
      asked.push(window);
      if (asked.length > MOST_ASKED) asked.shift();
    }
  }
}
