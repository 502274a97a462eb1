/** The address of the client that sent an HTTP request. */
import type { LimitError } from "../errors.ts";
import { canonicalAddress } from "./address.ts";
import { NoAddressError, ProxiesWarning } from "./errors.ts";
import type { Arrival, Incoming } from "./incoming.ts";
import type { AddressOptions } from "./options.ts";

/** Reads the address of a client. It throws where there is none. */
export type ReadAddress = (arrival: Arrival, incoming: Incoming) => string;

export function addressReader(
  options: AddressOptions,
  onWarning: (warning: LimitError) => void,
): ReadAddress {
  const { proxies, address, ipv6Prefix = 64, forwardedHeader = "x-forwarded-for" } = options;
  let hasWarned = false;
  const warn = (count: number | undefined) => {
    if (hasWarned) return;
    hasWarned = true;
    onWarning(new ProxiesWarning(forwardedHeader, count));
  };
  const canonical = (text: string | null | undefined, from: string) => {
    const known = typeof text === "string" ? canonicalAddress(text, ipv6Prefix) : undefined;
    if (known !== undefined) return known;
    throw new NoAddressError(
      text == null ? `${from} says none` : `${from} says ${JSON.stringify(text.slice(0, 64))}`,
    );
  };

  if (typeof address === "function") {
    return (_, incoming) => canonical(address(incoming), "the option address");
  }
  if (address !== undefined) {
    return ({ request }) => canonical(request.headers.get(address), `the header ${address}`);
  }
  return (arrival) => {
    const { headers } = arrival.request;
    if (!proxies) {
      const peer = arrival.peerAddress();
      const own = proxies === undefined ? arrival.frameworkAddress?.() : undefined;
      const isUnstated = proxies === undefined && (own ?? peer) === peer && !arrival.isBehindEdge;
      if (isUnstated && !hasWarned && headers.get(forwardedHeader) !== null) warn(proxies);
      return canonical(own ?? peer, own == null ? "the connection" : "the framework");
    }
    const forwarded = headers.get(forwardedHeader);
    const said = forwarded && fromRight(forwarded, proxies);
    if (!said) {
      warn(proxies);
      return canonical(arrival.peerAddress(), "the connection");
    }
    return canonical(forwardedHeader === "forwarded" ? forOf(said) : said, `the header ${forwardedHeader}`);
  };
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
