/** HTTP requests, as adapters hand them in. */
import type { HttpRequest, Incoming } from "./incoming.ts";

/** Finds the address of a client, and throws where there is none. */
export interface Addressing {
  of(arrival: Arrival): string;
}

/** The object is all of these at once, since one is made for each HTTP request. */
export abstract class Arrival implements Incoming, HttpRequest {
  abstract readonly native: unknown;
  abstract readonly method: string;
  abstract readonly path: string;
  abstract readonly headers: HttpRequest["headers"];
  private readonly addresses: Addressing;
  private known: string | undefined = undefined;

  constructor(addresses: Addressing) {
    this.addresses = addresses;
  }

  get request(): HttpRequest {
    return this;
  }

  get address(): string {
    this.known ??= this.addresses.of(this);
    return this.known;
  }

  /** Whether the runtime says itself which client a network of its own has forwarded. */
  get isBehindEdge(): boolean {
    return false;
  }

  /** A header as it has come over the connection, by its name in small letters. */
  abstract header(name: string): string | null;

  /** Whether there is such a header, found at the least cost. */
  has(name: string): boolean {
    return this.header(name) !== null;
  }

  /** The address of the client as the framework was told to find it; undefined where it has no such setting, or is told nothing. */
  frameworkAddress(): string | null | undefined {
    return undefined;
  }

  /** The address of the other end of the connection, as far as the runtime tells it. */
  abstract peerAddress(): string | null | undefined;

  /** Aborts when the client has gone. Asked for only by a request that waits. */
  abstract signal(): AbortSignal | undefined;
}

const SCHEME_AND_HOST = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** The path of an address, without the query. A client may send the whole address to a server, which frameworks take apart as well. */
export function pathOf(url: string): string {
  const [before = ""] = url.startsWith("/") ? [] : (SCHEME_AND_HOST.exec(url) ?? []);
  const end = url.slice(before.length).search(/[?#]/);
  return url.slice(before.length, end < 0 ? undefined : before.length + end) || "/";
}
