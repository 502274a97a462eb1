import { underneath } from "./api-limits.js";
import { limitsFor } from "./limits.js";

/** @typedef {import("./replay.js").Key} Key */

/** Hears from the answers of the API which limits hold, and makes them the limits of the client's set. */
export class Listener {
  #limits;
  #heard = 0;
  /** How often the API's limits had changed when the set got the limits that it has. */
  version = 0;

  /** @param {import("limitset").Limits<Key> | undefined} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  /** @param {Headers} headers */
  async hear(headers) {
    const version = Number(headers.get("x-limits-version"));
    // Answers may overtake each other.
    if (!(version > this.#heard)) return;
    this.#heard = version;
    const allowed = underneath(JSON.parse(String(headers.get("x-limits"))));
    // Several clients may hear of one change: the set is told its number, and an earlier one never replaces a later one.
    await this.#limits?.redefine(limitsFor(allowed), { version });
    this.version = version;
  }
}
