/** The address of the client that sent an HTTP request. */
import { type LimitError, show } from "../errors.ts";
import { canonicalAddress } from "./address.ts";
import type { Addressing, Arrival } from "./arrival.ts";
import { NoAddressError, ProxiesWarning } from "./errors.ts";
import type { AddressOptions } from "./options.ts";

/** Reads the text of an address, as it stands there. */
type Read = (arrival: Arrival) => string | null | undefined;

export class Addresses implements Addressing {
  /** The text of the address of a client, which may have many for one address, or be none. */
  readonly read: Read;
  private readonly ipv6Prefix: number;
  /** Where the text was found that was read last. */
  private from = "";

  constructor(options: AddressOptions, onWarning: (warning: LimitError) => void) {
    this.ipv6Prefix = options.ipv6Prefix ?? 64;
    this.read = this.readerOf(options, onWarning);
  }

  /**
   * The canonical address of a client.
   *
   * @throws {NoAddressError} if there is none.
   */
  of(arrival: Arrival): string {
    return this.canonical(this.read(arrival));
  }

  /**
   * The canonical address that a text says, which was read last.
   *
   * @throws {NoAddressError} if it says none.
   */
  canonical(text: string | null | undefined): string {
    const known = typeof text === "string" ? canonicalAddress(text, this.ipv6Prefix) : undefined;
    if (known !== undefined) return known;
    const said = typeof text === "string" ? JSON.stringify(text.slice(0, 64)) : show(text);
    throw new NoAddressError(`${this.from} says ${text == null ? "none" : said}`);
  }

  private readerOf(options: AddressOptions, onWarning: (warning: LimitError) => void): Read {
    const { proxies, address, forwardedHeader = "x-forwarded-for" } = options;
    if (typeof address === "function") {
      this.from = "the option address";
      return address;
    }
    if (address !== undefined) {
      this.from = `the header ${address}`;
      const name = address.toLowerCase();
      return (arrival) => arrival.header(name);
    }
    let hasWarned = false;
    const warn = () => {
      if (hasWarned) return;
      hasWarned = true;
      onWarning(new ProxiesWarning(forwardedHeader, proxies));
    };
    if (!proxies) {
      const isStated = proxies !== undefined;
      return (arrival) => {
        const own = isStated ? undefined : arrival.frameworkAddress();
        this.from = own == null ? "the connection" : "the framework";
        if (!isStated && !hasWarned && arrival.has(forwardedHeader) && !arrival.isBehindEdge) {
          // Where the framework knows better, it was told of the proxies.
          if (own == null || own === arrival.peerAddress()) warn();
        }
        return own ?? arrival.peerAddress();
      };
    }
    return (arrival) => {
      const forwarded = arrival.header(forwardedHeader);
      const said = forwarded && fromRight(forwarded, proxies);
      if (!said) {
        warn();
        this.from = "the connection";
        return arrival.peerAddress();
      }
      this.from = `the header ${forwardedHeader}`;
      return forwardedHeader === "forwarded" ? forOf(said) : said;
    };
  }
}

/**
 * The element of a list that the outermost of so many proxies has added; where there are fewer elements, the first. Read from the right: the
 * proxies' own elements are well-formed, and a client may have begun the header with anything, an open quote too.
 */
export function fromRight(list: string, proxies: number): string | undefined {
  let found: string | undefined;
  let [end, count, isQuoted] = [list.length, 0, false];
  for (let at = list.length - 1; at >= -1; at--) {
    if (at >= 0 && list[at] === '"') isQuoted = !isQuoted;
    if (at >= 0 && (list[at] !== "," || isQuoted)) continue;
    const element = list.slice(at + 1, end).trim();
    end = at;
    if (element === "") continue;
    found = element;
    if (++count === proxies) return found;
  }
  return found;
}

/** The `for` of an element of `Forwarded` (RFC 7239): `for="[2001:db8::7]:4711";proto=https`. */
function forOf(element: string): string | undefined {
  const [, quoted, token] = /(?:^|;)\s*for=(?:"([^"\\]*)"|([^\s";,]+))\s*(?:;|$)/i.exec(element) ?? [];
  return quoted ?? token;
}
