/** Servers that answer a `Request` by a `Response`: Deno, Bun, Workers, edge functions, and Hono on all of them. */
import type { Awaitable } from "../contract.ts";
import { type End, watched } from "../exchange/body.ts";
import { systemClock } from "../platform/clock.ts";
import { type Addressing, Arrival, pathOf } from "./arrival.ts";
import { type Door, GONE, type Passed, type Refused } from "./door.ts";
import { type Headings, joined } from "./headers.ts";
import type { Hold } from "./hold.ts";

/** A handler of such servers. The rest is what the server hands over besides: `env`, `info`, `server`, `context`. */
export type Handle<Req extends Request = Request, Rest extends readonly unknown[] = readonly unknown[]> = (
  request: Req,
  ...rest: Rest
) => Awaitable<Response>;

/** What servers hand over besides the request, as far as it says an address, or keeps an isolate going. */
interface Surroundings {
  /** Deno's, and Deno's to Hono. */
  readonly remoteAddr?: { readonly hostname?: string };
  /** Bun's, and Bun's to Hono. */
  requestIP?(request: unknown): { readonly address: string } | null;
  readonly server?: Surroundings;
  /** Node's to Hono. */
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  /** The context of Workers. */
  waitUntil?(promise: Promise<unknown>): void;
}

/** The network of Cloudflare says with each request where it came from, and no client can. */
interface OfCloudflare {
  readonly cf?: unknown;
}

/** A `Request` as any server has it. */
export class WebArrival extends Arrival {
  readonly native: unknown;
  private readonly web: Request;
  private readonly around: readonly unknown[];

  constructor(addresses: Addressing, web: Request, native: unknown, around: readonly unknown[]) {
    super(addresses);
    this.native = native;
    this.web = web;
    this.around = around;
  }

  get method(): string {
    return this.web.method;
  }

  get path(): string {
    return pathOf(this.web.url);
  }

  get headers(): Headers {
    return this.web.headers;
  }

  override header(name: string): string | null {
    return this.web.headers.get(name);
  }

  override get isBehindEdge(): boolean {
    return (this.web as OfCloudflare).cf !== undefined;
  }

  override peerAddress(): string | null | undefined {
    if (this.isBehindEdge) return this.header("cf-connecting-ip");
    for (const each of this.around) {
      const one = each as Surroundings | null | undefined;
      const known = one && addressIn(one, this.web);
      if (known !== undefined && known !== null) return known;
    }
    return undefined;
  }

  override signal(): AbortSignal | undefined {
    return this.web.signal;
  }
}

function addressIn(around: Surroundings, request: Request): string | null | undefined {
  if (typeof around !== "object" || around === null) return undefined;
  const { remoteAddr, server, incoming } = around;
  if (typeof around.requestIP === "function") return around.requestIP(request)?.address;
  return (
    remoteAddr?.hostname ??
    (typeof server?.requestIP === "function"
      ? server.requestIP(request)?.address
      : incoming?.socket?.remoteAddress)
  );
}

/** Guards a handler. */
export function guardHandler<Req extends Request, Rest extends readonly unknown[]>(
  door: Door,
  handle: Handle<Req, Rest>,
): (request: Req, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    const outcome = await door.admit(new WebArrival(door.addresses, request, request, rest));
    if (outcome === GONE) return goneResponse();
    if (!outcome.passes) return refusalResponse(outcome, request.method);
    return pass(outcome, request, rest as readonly unknown[], () => handle(request, ...rest));
  };
}

/** Answers by `handle`, and holds what is held until its body has ended. */
export async function pass(
  { hold, headings }: Passed,
  request: Request,
  around: readonly unknown[],
  handle: () => Awaitable<Response>,
): Promise<Response> {
  if (!hold) return withHeadings(await handle(), headings);
  const watch = new Watched(hold, request, around);
  try {
    return withHeadings(watch.over(await handle()), headings);
  } catch (error) {
    watch.end("broken");
    throw error;
  }
}

/** An answer in its course. */
export class Watched {
  private readonly hold: Hold;
  private readonly isHead: boolean;
  private readonly signal: AbortSignal | undefined;
  private readonly gone = () => this.end("broken");
  private status = 0;
  private bytes = 0;
  private ended: (() => void) | undefined = undefined;

  constructor(hold: Hold, { method, signal }: Request, around: readonly unknown[]) {
    this.hold = hold;
    this.isHead = method === "HEAD";
    this.signal = signal;
    // Without it a Worker's isolate would drop what it has to do when the client has gone.
    for (const each of around) {
      const context = each as Surroundings | null | undefined;
      if (typeof context?.waitUntil !== "function") continue;
      context.waitUntil(
        new Promise<void>((resolve) => {
          this.ended = resolve;
        }),
      );
    }
    if (signal?.aborted) this.gone();
    else signal?.addEventListener("abort", this.gone);
  }

  /** The same answer, with a body that is watched. */
  over(response: Response): Response {
    const { body, status } = response;
    this.status = status;
    if (!body || this.isHead || body.locked) {
      this.end("complete");
      return response;
    }
    const source = body as ReadableStream<Uint8Array>;
    const stream = watched(source, {
      chunk: this.hold.counts
        ? ({ byteLength }) => {
            this.bytes += byteLength;
          }
        : undefined,
      end: (how) => this.end(how),
      unreadMs: Number.POSITIVE_INFINITY,
      clock: systemClock,
      unread: () => new Error("unread"),
    });
    return new Response(stream, response);
  }

  end(how: End): void {
    this.signal?.removeEventListener("abort", this.gone);
    this.hold.end({ status: this.status, bytes: this.bytes, complete: how === "complete" });
    this.ended?.();
  }
}

/** The answer with more headers. Those of some answers cannot be changed. */
export function withHeadings(response: Response, headings: Headings): Response {
  if (headings.length === 0) return response;
  try {
    set(response.headers, headings);
    return response;
  } catch {
    // A change of protocols has no copy, and an error has no status.
    if (response.status < 200) return response;
    const copy = new Response(response.body, response);
    set(copy.headers, headings);
    return copy;
  }
}

/** A guard within has set its own by now. */
function set(headers: Headers, headings: Headings): void {
  for (let i = 0; i < headings.length; i += 2) {
    const [name, value] = [headings[i]!, headings[i + 1]!];
    const within = headers.get(name);
    headers.set(name, within === null ? value : joined(value, within));
  }
}

export function refusalResponse({ status, headings, body }: Refused, method: string): Response {
  const headers: Record<string, string> = {};
  for (let i = 0; i < headings.length; i += 2) headers[headings[i]!] = headings[i + 1]!;
  return new Response(method === "HEAD" ? null : (body ?? null), { status, headers });
}

/** No client is there to read it. */
export function goneResponse(): Response {
  return new Response(null, { status: 499 });
}
