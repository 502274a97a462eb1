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
  run(byName: (name: string) => Promise<unknown>, byText: () => Promise<unknown>): Promise<unknown> {
    const name = nameOfScript();
    if (typeof name === "string") return this.#run(name, byName, byText, 0);
    return name.then((known) => this.#run(known, byName, byText, 0));
  }

  #run(
    name: string,
    byName: (name: string) => Promise<unknown>,
    byText: () => Promise<unknown>,
    waits: number,
  ): Promise<unknown> {
    return this.#pulse.call(
      () => byName(name),
      async (error) => {
        if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
        if (this.#isOne && this.#learns && waits < MOST_WAITS) {
          await this.#learns;
          return this.#run(name, byName, byText, waits + 1);
        }
        const answer = this.#pulse.call(byText);
        this.#learns ??= this.#until(answer);
        return answer;
      },
    );
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
