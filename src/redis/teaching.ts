/**
 * Runs the script on a client's server by its hash, and sends its text where the server does not know it: once, however many sets
 * of the client find that out together.
 */
import { messageOf } from "./failures.ts";
import type { Pulse } from "./pulse.ts";
import { nameOfScript } from "./script/index.ts";

/** A script that is forgotten again and again is sent without more waiting. */
const MOST_WAITS = 3;

export class Teaching {
  readonly #pulse: Pulse;
  /** Whether there is one server. The nodes of a cluster learn the script one by one. */
  readonly #isOne: boolean;
  /** Resolves when the server has run the text, or has failed to. */
  #learns: Promise<void> | undefined;

  constructor(pulse: Pulse, isOne: boolean) {
    this.#pulse = pulse;
    this.#isOne = isOne;
  }

  /** Runs the script by `byName`, or by `byText`. */
  async run(byName: (name: string) => Promise<unknown>, byText: () => Promise<unknown>): Promise<string> {
    const given = nameOfScript();
    const name = typeof given === "string" ? given : await given;
    for (let waits = 0; ; waits++) {
      try {
        return String(await this.#pulse.call(() => byName(name)));
      } catch (error) {
        if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
      }
      if (!this.#isOne || !this.#learns || waits === MOST_WAITS) break;
      await this.#learns;
    }
    const answer = this.#pulse.call(byText);
    this.#learns ??= this.#until(answer);
    return String(await answer);
  }

  async #until(answer: Promise<unknown>): Promise<void> {
    try {
      await answer;
    } catch {
      // The sets that wait for it try by themselves.
    }
    this.#learns = undefined;
  }
}
