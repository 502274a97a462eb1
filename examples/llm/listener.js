import { underneath } from "./api-limits.js";
import { limitsFor } from "./limits.js";

/** @typedef {import("./replay.js").Key} Key */

/** Hears from the answers of the API which limits hold, and makes them the limits of the client's set. */
export class Listener {
  #limits;
  /** How often the API's limits have changed, as far as this client knows. */
  version = 0;

  /** @param {import("limitset").Limits<Key> | undefined} limits */
  constructor(limits) {
    this.#limits = limits;
  }

  /** @param {import("node:http").IncomingHttpHeaders} headers */
  async hear(headers) {
    const version = Number(headers["x-limits-version"] ?? 0);
    // Answers may overtake each other.
    if (!(version > this.version)) return;
    this.version = version;
    const allowed = underneath(JSON.parse(String(headers["x-limits"])));
    // Several clients may hear of one change: the set is told its number, and an earlier one never replaces a later one.
    await this.#limits?.redefine(limitsFor(allowed), { version });
  }
}
