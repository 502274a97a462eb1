/** What an answer says, as far as it is read before it is handed out. */
import type { Clock } from "../platform/clock.ts";
import type { Provider, Reading } from "./provider.ts";
import { retryAfterOf } from "./times.ts";

/** The statuses by which servers refuse for a time. */
const REFUSALS: readonly number[] = [429, 503, 529];

// The bodies of refusals are short. One that is not, or that does not come, is not waited for.
const MOST_BYTES = 64 * 1024;
const LONGEST_MS = 1000;

export interface Heard {
  readonly reading: Reading;
  /** Whether the server refuses for a time. */
  readonly isRefusal: boolean;
  /** Whether the same request may pass later. */
  readonly mayRetry: boolean;
}

export async function readAnswer(
  response: Response,
  provider: Provider | undefined,
  clock: Clock,
): Promise<Heard> {
  const { status, headers } = response;
  const refuses = REFUSALS.includes(status);
  const now = clock.now();
  const head = quietly(() => provider?.head?.(response, now));
  const more =
    provider?.refusal && (refuses || status === 403)
      ? await beginningOf(response, clock).then((text) =>
          quietly(() => provider.refusal!(text, response, now)),
        )
      : undefined;
  const { pauseMs = head?.pauseMs, final = false } = more ?? {};
  const retryAfterMs = refuses || pauseMs !== undefined ? retryAfterOf(headers, now) : undefined;
  const isRefusal = !final && (refuses || pauseMs !== undefined);
  return {
    reading: { ...head, pauseMs: final ? 0 : (retryAfterMs ?? pauseMs) },
    isRefusal,
    mayRetry: isRefusal && headers.get("x-should-retry") !== "false",
  };
}

/** A provider that cannot read an answer has not read it: the answer is there all the same. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The beginning of a body, which can still be read from its beginning. */
async function beginningOf(response: Response, clock: Clock): Promise<string> {
  const reader = quietly(() => response.clone().body?.getReader());
  let text = "";
  if (!reader) return text;
  const decoder = new TextDecoder();
  let timer: unknown;
  const late = new Promise<{ done: true; value: undefined }>((resolve) => {
    timer = clock.setTimeout(() => resolve({ done: true, value: undefined }), LONGEST_MS);
  });
  try {
    while (text.length < MOST_BYTES) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } catch {
    // The reader of the answer will get the error.
  }
  clock.clearTimeout(timer);
  // Not awaited: the promise settles when the answer itself is cancelled too.
  reader.cancel().catch(() => {});
  return text;
}
