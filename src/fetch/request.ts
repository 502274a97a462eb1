/** What is read of a request before it is sent. */
import type { FetchRequest } from "./provider.ts";

export type Input = Parameters<typeof fetch>[0];
export type Init = Parameters<typeof fetch>[1];

export function requestIn(input: Input): Request | undefined {
  // That of another copy of undici is no instance of the global class.
  return typeof input === "object" && "url" in input ? (input as Request) : undefined;
}

export class ReadableRequest implements FetchRequest {
  readonly url: URL;
  readonly method: string;
  private readonly request: Request | undefined;
  private readonly init: Init;
  private body: Promise<string | undefined> | undefined;
  private parts: Headers | undefined;

  /** @throws {TypeError} if the address is none */
  constructor(input: Input, init: Init) {
    this.request = requestIn(input);
    this.init = init;
    this.url = new URL(this.request?.url ?? String(input), globalThis.location?.href);
    this.method = (init?.method ?? this.request?.method ?? "GET").toUpperCase();
  }

  get headers(): Headers {
    this.parts ??= new Headers((this.init?.headers ?? this.request?.headers) as HeadersInit | undefined);
    return this.parts;
  }

  get signal(): AbortSignal | undefined {
    const { signal = this.request?.signal } = this.init ?? {};
    return signal ?? undefined;
  }

  /** Whether it can be sent more than once. */
  get isRepeatable(): boolean {
    const body: unknown = this.init?.body ?? undefined;
    if (body === undefined) return this.request?.bodyUsed !== true;
    return (
      typeof body === "string" ||
      body instanceof FormData ||
      body instanceof Blob ||
      bytesOf(body) !== undefined
    );
  }

  text(): Promise<string | undefined> {
    this.body ??= this.read();
    return this.body;
  }

  async json(): Promise<unknown> {
    try {
      return JSON.parse((await this.text()) ?? "");
    } catch {
      return undefined;
    }
  }

  private async read(): Promise<string | undefined> {
    const body: unknown = this.init?.body ?? undefined;
    if (body === undefined) {
      const { request } = this;
      return !request || request.body === null || request.bodyUsed ? undefined : request.clone().text();
    }
    if (typeof body === "string") return body;
    if (body instanceof Blob) return body.text();
    const bytes = bytesOf(body);
    return typeof bytes === "string" ? bytes : bytes && new TextDecoder().decode(bytes);
  }
}

function bytesOf(body: unknown): string | ArrayBuffer | ArrayBufferView | undefined {
  if (body instanceof URLSearchParams) return String(body);
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body : undefined;
}
