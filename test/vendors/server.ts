/**
 * A server that limits as vendors do: calls, input tokens, output tokens and connections, with their headers and refusals. It is written
 * apart from the library. The name of the model says how an answer goes wrong: `slow`, `eof`, `reset` or `error`.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Asked, events, failure, whole } from "./answers.ts";
import { type Allowance, Bucket } from "./bucket.ts";

export interface VendorLimits {
  readonly calls?: Allowance;
  readonly inputTokens?: Allowance;
  readonly outputTokens?: Allowance;
  readonly tokens?: Allowance;
  readonly connections?: number;
}

/** An answer that a test asks for, in place of the next ones. */
export interface Scripted {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Vendor {
  readonly url: string;
  /** The moments at which requests have arrived. */
  readonly arrivals: readonly number[];
  /** The moments at which requests were refused. */
  readonly refusals: readonly number[];
  /** The statuses of all answers, with how many of each. */
  readonly statuses: Readonly<Record<number, number>>;
  /** The most requests that were in progress at once. */
  readonly peak: number;
  /** How many are in progress. */
  readonly open: number;
  change(limits: VendorLimits): void;
  script(...answers: Scripted[]): void;
  close(): Promise<void>;
}

/** How long an output token takes. */
const TOKEN_MS = 1;
const NAMES = {
  calls: "requests",
  inputTokens: "input-tokens",
  outputTokens: "output-tokens",
  tokens: "tokens",
} as const;
type Name = keyof typeof NAMES;

export async function startVendor(limits: VendorLimits = {}): Promise<Vendor> {
  const buckets = new Map<Name, Bucket>();
  let connections = limits.connections ?? Number.POSITIVE_INFINITY;
  const scripted: Scripted[] = [];
  const arrivals: number[] = [];
  const refusals: number[] = [];
  const statuses: Record<number, number> = {};
  let open = 0;
  let peak = 0;

  const change = (changed: VendorLimits) => {
    connections = changed.connections ?? connections;
    for (const name of Object.keys(NAMES) as Name[]) {
      const allowance = changed[name];
      if (allowance === undefined) continue;
      if (buckets.has(name)) buckets.get(name)!.change(allowance);
      else buckets.set(name, new Bucket(allowance));
    }
  };
  change(limits);

  const headersFor = (path: string): Record<string, string> => {
    const headers: Record<string, string> = {};
    for (const [name, bucket] of buckets) {
      const left = String(Math.max(0, Math.floor(bucket.remaining)));
      const fullMs = bucket.until(bucket.capacity);
      if (path.endsWith("/messages")) {
        const prefix = `anthropic-ratelimit-${NAMES[name]}`;
        headers[`${prefix}-limit`] = String(bucket.capacity);
        headers[`${prefix}-remaining`] = left;
        headers[`${prefix}-reset`] = new Date(Date.now() + fullMs).toISOString();
      } else if (path.startsWith("/v1/")) {
        headers[`x-ratelimit-limit-${NAMES[name]}`] = String(bucket.capacity);
        headers[`x-ratelimit-remaining-${NAMES[name]}`] = left;
        headers[`x-ratelimit-reset-${NAMES[name]}`] = `${Math.ceil(fullMs)}ms`;
      } else if (name === "calls") {
        headers["x-ratelimit-limit"] = String(bucket.capacity);
        headers["x-ratelimit-remaining"] = left;
        headers["x-ratelimit-resource"] = "core";
      }
    }
    return headers;
  };

  /** The milliseconds until a request would pass; 0 if it passes now. */
  const refusalOf = ({ input }: Asked): number => {
    if (open > connections) return 50;
    const wanted = { calls: 1, inputTokens: input, tokens: input, outputTokens: 1 };
    return Math.max(0, ...[...buckets].map(([name, bucket]) => bucket.until(wanted[name])));
  };

  const use = (amounts: Partial<Record<Name, number>>) => {
    for (const [name, amount] of Object.entries(amounts)) buckets.get(name as Name)?.use(amount);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = await read(request);
    const send = (status: number, headers: object, body: string) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status >= 400) refusals.push(performance.now());
      response.writeHead(status, { "content-type": "application/json", ...CORS, ...headers }).end(body);
    };
    const script = scripted.shift();
    if (script) {
      const { status, headers = {}, body = JSON.stringify(failure(asked.path, status, "scripted")) } = script;
      return send(status, headers, body);
    }
    const waitMs = refusalOf(asked);
    if (waitMs > 0) {
      const retryAfter = {
        "retry-after": String(Math.ceil(waitMs / 1000)),
        "retry-after-ms": String(Math.ceil(waitMs)),
      };
      const text = JSON.stringify(failure(asked.path, 429, "too many"));
      return send(429, { ...headersFor(asked.path), ...retryAfter }, text);
    }
    use({ calls: 1, inputTokens: asked.input, tokens: asked.input });
    const headers = headersFor(asked.path);
    if (!asked.stream) {
      await sleep(asked.output * TOKEN_MS);
      use({ outputTokens: asked.output, tokens: asked.output });
      return send(200, headers, JSON.stringify(whole(asked)));
    }
    statuses[200] = (statuses[200] ?? 0) + 1;
    response.writeHead(200, { "content-type": "text/event-stream", ...CORS, ...headers });
    for (const [i, [tokens, text]] of events(asked).entries()) {
      if (response.destroyed) return;
      use({ outputTokens: tokens, tokens });
      response.write(text);
      await sleep(asked.model === "slow" ? 20 : TOKEN_MS);
      if (i < 3) continue;
      if (asked.model === "eof") return void response.end();
      if (asked.model === "reset") return void response.destroy();
      if (asked.model === "error") {
        return void response.end(
          `event: error\ndata: ${JSON.stringify(failure("/v1/messages", 529, "Overloaded"))}\n\n`,
        );
      }
    }
    response.end();
  };

  const server = createServer((request, response) => {
    if (request.method === "OPTIONS") return void response.writeHead(204, CORS).end();
    arrivals.push(performance.now());
    open++;
    peak = Math.max(peak, open);
    response.once("close", () => open--);
    answer(request, response).catch((error) => response.destroy(error));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    refusals,
    statuses,
    get peak() {
      return peak;
    },
    get open() {
      return open;
    },
    change,
    script: (...answers) => void scripted.push(...answers),
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "*",
  "access-control-expose-headers": "*",
};

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A request, with the tokens by which the server counts it: a fifth of its bytes, and half of the output that it allows. */
async function read(request: IncomingMessage): Promise<Asked & { readonly model: string }> {
  let text = "";
  for await (const part of request.setEncoding("utf8")) text += part;
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text);
  } catch {}
  const most = Number(body["max_completion_tokens"] ?? body["max_output_tokens"] ?? body["max_tokens"] ?? 10);
  const options = (body["stream_options"] ?? {}) as { readonly include_usage?: boolean };
  return {
    path: (request.url ?? "/").replace(/\?.*/, ""),
    stream: body["stream"] === true,
    input: Math.ceil(text.length / 5),
    output: Math.ceil(most / 2),
    includeUsage: options.include_usage === true,
    model: String(body["model"]),
  };
}
