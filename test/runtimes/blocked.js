/** Makes a set where WebAssembly may not be compiled: on some pages, and in HTTP requests of workerd. */
import { CallLimit, LimitError, LimitSet } from "limitset";

export function blocked() {
  try {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })] });
    return { successful: limits.tryAcquire().successful };
  } catch (error) {
    const { code, message, cause } = /** @type {LimitError} */ (error);
    return { typed: error instanceof LimitError, code, message, cause: String(cause) };
  }
}

if ("document" in globalThis) Object.assign(globalThis, { seen: blocked() });

export default {
  fetch: () => Response.json(blocked()),
};
