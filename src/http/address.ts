/** Addresses of clients, told apart by their bits: one address has many spellings, and each would be a client of its own. */
import { invalidRequest } from "../limits/known-options.ts";

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?=\d)|$)){4}$/;
const GROUP = /^[\da-f]{1,4}$/i;
/** With a port, or what RFC 7239 has in place of one. */
const BRACKETS = /^\[([^[\]]*)\](?::(?:\d{1,5}|_[\w.-]+))?$/;
const IPV4_PORT = /^([\d.]+):(?:\d{1,5}|_[\w.-]+)$/;

// The longest text of an address, with a zone and a port. A header may have thousands of bytes.
const LONGEST = 128;

/**
 * The one text of an address, however it was written: without port, zone and brackets. IPv6 is counted by its first 64 bits, since a
 * client has all addresses behind these: `"2001:db8:0:7::/64"`. An IPv4 address that is written within IPv6, as `::ffff:192.0.2.7`, is the
 * IPv4 address. Returns undefined for a text that is no address.
 *
 * @param text The address: IPv4 or IPv6, perhaps in brackets, with a port or with a zone.
 * @param ipv6Prefix The number of bits of IPv6 that count, from 1 to 128. Default: 64.
 * @throws {InvalidRequestError} if `ipv6Prefix` is out of bounds.
 * @example
 * canonicalAddress("[2001:DB8:0:7::1]:443"); // "2001:db8:0:7::/64"
 * canonicalAddress("::ffff:c000:207"); // "192.0.2.7"
 * canonicalAddress("2001:db8::1", 128); // "2001:db8::1"
 * canonicalAddress("unknown"); // undefined
 */
export function canonicalAddress(text: string, ipv6Prefix = 64): string | undefined {
  // Most are written so.
  if (IPV4.test(text)) return text;
  checkPrefix(ipv6Prefix);
  if (text.length > LONGEST) return undefined;
  const trimmed = text.trim();
  const [, bracketed] = BRACKETS.exec(trimmed) ?? [];
  const [, before] = IPV4_PORT.exec(trimmed) ?? [];
  const bare = bracketed ?? before ?? trimmed;
  if (bracketed === undefined && IPV4.test(bare)) return bare;
  const groups = groupsOf(withoutZone(bare));
  return groups && (within(groups) ?? spell(groups, ipv6Prefix));
}

export function checkPrefix(ipv6Prefix: number): void {
  if (Number.isInteger(ipv6Prefix) && ipv6Prefix >= 1 && ipv6Prefix <= 128) return;
  throw invalidRequest("ipv6Prefix", ipv6Prefix, "a whole number of bits, from 1 to 128");
}

function withoutZone(text: string): string {
  const at = text.indexOf("%");
  // A zone has a name.
  return at > 0 && at < text.length - 1 ? text.slice(0, at) : text;
}

/** The eight groups of an IPv6 address, of 16 bits each. */
function groupsOf(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [left = [], right] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const last = right ?? left;
  const dotted = last.at(-1);
  if (dotted?.includes(".")) {
    if (!IPV4.test(dotted)) return undefined;
    const [a, b, c, d] = dotted.split(".").map(Number) as [number, number, number, number];
    last.splice(-1, 1, (a * 256 + b).toString(16), (c * 256 + d).toString(16));
  }
  const missing = 8 - left.length - (right?.length ?? 0);
  // A gap stands for at least one group.
  if (right ? missing < 1 : missing !== 0) return undefined;
  const all = right ? [...left, ...new Array<string>(missing).fill("0"), ...right] : left;
  return all.every((group) => GROUP.test(group)) ? all.map((group) => Number.parseInt(group, 16)) : undefined;
}

/** The IPv4 address that an IPv6 one means: a mapped one, or one of the well-known prefix of translators, 64:ff9b::/96. */
function within(groups: readonly number[]): string | undefined {
  const isZero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  const isMapped = groups[5] === 0xffff && isZero(0, 5);
  const isTranslated = groups[0] === 0x64 && groups[1] === 0xff9b && isZero(2, 6);
  if (!isMapped && !isTranslated) return undefined;
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 255])
    .join(".");
}

/** The first `prefix` bits, spelt as RFC 5952 wants it. */
function spell(groups: readonly number[], prefix: number): string {
  const kept = groups.map((group, i) => group & (0xffff << Math.min(16, Math.max(0, 16 * (i + 1) - prefix))));
  let [start, length] = [0, 1];
  for (let i = 0, from = 0; i < 8; i++) {
    if (kept[i] !== 0) from = i + 1;
    else if (i + 1 - from > length) [start, length] = [from, i + 1 - from];
  }
  const texts = kept.map((group) => group.toString(16));
  const short =
    length === 1
      ? texts.join(":")
      : `${texts.slice(0, start).join(":")}::${texts.slice(start + length).join(":")}`;
  return prefix < 128 ? `${short}/${prefix}` : short;
}
