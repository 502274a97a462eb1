/** A set on a clock that tests move, and a `fetch` beneath whose answers they give. */

import { type FetchOptions, limitFetch, type Provider } from "../../src/fetch/index.ts";
import { CallLimit, type LimitLike, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

export const URL_OF_API = "https://api.example.com/v1/things?key=secret";

export const CALLS = new CallLimit({ capacity: 2, windowMs: 1000 });
export const TOKENS = new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 });
export const CONNECTIONS = new ResourceLimit({ key: "connections", capacity: 1 });

/** A request that has reached the `fetch` beneath, and waits for its answer. */
export interface Sent {
  readonly input: Parameters<typeof fetch>[0];
  readonly init: RequestInit | undefined;
  answer(response: Response): void;
  fail(error: unknown): void;
}

export interface Lab {
  readonly clock: ManualClock;
  readonly limits: LimitSet<string>;
  readonly fetch: typeof fetch;
  readonly sent: readonly Sent[];
  readonly warnings: readonly Error[];
  /** What is used of a limit. */
  used(key: string): number;
}

export function lab(
  limits: readonly LimitLike[],
  options: FetchOptions<string> & { readonly answers?: () => Response | Promise<Response> } = {},
): Lab {
  const { answers, ...rest } = options;
  const clock = new ManualClock();
  const set = new LimitSet<string>({ limits: limits as readonly LimitLike<string>[], clock });
  const sent: Sent[] = [];
  const warnings: Error[] = [];
  const beneath = (input: Parameters<typeof fetch>[0], init?: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      sent.push({ input, init, answer: resolve, fail: reject });
      init?.signal?.addEventListener("abort", () => reject(init.signal!.reason));
      if (answers) resolve(answers());
    });
  const limited = limitFetch(set, {
    fetch: beneath as typeof fetch,
    clock,
    onWarning: (warning) => void warnings.push(warning),
    ...rest,
  });
  return { clock, limits: set, fetch: limited, sent, warnings, used: (key) => set.stats()[key]!.used };
}

/** Lets all that can go on go on. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A body whose chunks a test sends by hand. */
export function stream(): {
  readonly body: ReadableStream<Uint8Array>;
  send(text: string): void;
  end(): void;
  fail(error: unknown): void;
  readonly cancelled: () => unknown;
} {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let cancelled: unknown;
  const body = new ReadableStream<Uint8Array>({
    start(own) {
      controller = own;
    },
    cancel(reason) {
      cancelled = reason ?? "cancelled";
    },
  });
  return {
    body,
    send: (text) => controller.enqueue(new TextEncoder().encode(text)),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
    cancelled: () => cancelled,
  };
}

/** A provider whose requests cost as many tokens as their body says, and whose answers say their usage. */
export const counting: Provider = {
  name: "counting",
  cost: async (request) => {
    const { tokens = 0 } = ((await request.json()) ?? {}) as { readonly tokens?: number };
    return { call_count: 1, tokens };
  },
  bodyKey: "usage",
  body: (value) => ({ used: { tokens: value?.["tokens"] as number } }),
};

export const post = (tokens: number): RequestInit => ({ method: "POST", body: JSON.stringify({ tokens }) });
