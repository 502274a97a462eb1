// A module whose top level makes a pool of its own class, which all threads of the pool load too.
import { Worker } from "../../dist/worker/index.js";

export class Selfish extends Worker {
  /** @override */
  static module = import.meta.url;

  hi() {
    return "hi";
  }
}

const pool = Selfish.options({ mode: "thread" }).init();

/** The code of the error with which a call rejects. */
export const seen = pool
  .hi()
  .catch((error) => error.code)
  .finally(() => pool.stop());
