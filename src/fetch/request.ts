/** What is read of a request before it is sent. */
import type { FetchRequest } from "./provider.ts";

export type Input = Parameters<typeof fetch>[0];
export type Init = Parameters<typeof fetch>[1];

/** A request that can be read without being used up. */
export interface ReadableRequest extends FetchRequest {
  readonly signal: AbortSignal | undefined;
  /** Whether it can be sent more than once. */
  readonly isRepeatable: boolean;
  /** What a `fetch` gets that is not the last one: a Request with a body can be sent once. */
  copy(): Input;
}

/** @throws {TypeError} if the address is none */
export function readable(input: Input, init: NonNullable<Init> = {}): ReadableRequest {
  // That of another copy of undici is no instance of the global class.
  const request = typeof input === "object" && "url" in input ? (input as Request) : undefined;
  const { signal = request?.signal } = init;
  const body = (init.body ?? undefined) as
    | (Blob & { getReader?: unknown; [Symbol.asyncIterator]?: unknown })
    | undefined;
  const isRepeatable = body ? !body.getReader && !body[Symbol.asyncIterator] : !request?.bodyUsed;
  let headers: Headers | undefined;
  let text: Promise<string | undefined> | undefined;
  const read = async () => {
    if (typeof body === "string" || !isRepeatable)
      return isRepeatable ? (body as string | undefined) : undefined;
    if (body) return new Response(body).text();
    return request?.body ? request.clone().text() : undefined;
  };
  return {
    url: new URL(request?.url ?? String(input), globalThis.location?.href),
    method: (init.method ?? request?.method ?? "GET").toUpperCase(),
    get headers() {
      headers ??= new Headers(init.headers ?? request?.headers);
      return headers;
    },
    text() {
      text ??= read();
      return text;
    },
    async json() {
      try {
        return JSON.parse((await this.text()) ?? "");
      } catch {}
    },
    signal: signal ?? undefined,
    isRepeatable,
    copy: () => request?.clone() ?? input,
  };
}
