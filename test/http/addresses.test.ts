/** The addresses of clients: their one text, held to another parser, and the one of many that a header says. */
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { fromRight } from "../../src/http/client-address.ts";
import { canonicalAddress, type GuardOptions, guard, type HttpRefusal } from "../../src/http/index.ts";
import { CallLimit, LimitSet } from "../../src/index.ts";
import { runs } from "../property/settings.ts";

/** What the other parser makes of a text: the same rules, on its numbers. */
function oracle(text: string, prefix: number): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString();
  const bare = text.replace(/%.*$/, "");
  if (!ipaddr.IPv6.isValid(bare)) return undefined;
  const address = ipaddr.IPv6.parse(bare);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  if (address.range() === "rfc6052") return ipaddr.fromByteArray(address.toByteArray().slice(12)).toString();
  const bytes = address
    .toByteArray()
    .map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, 8 * (i + 1) - prefix))));
  const masked = new ipaddr.IPv6(bytes).toRFC5952String();
  return prefix < 128 ? `${masked}/${prefix}` : masked;
}

const byte = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
/** Groups with many zeros, since gaps are what parsers differ in. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(0xffff), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});
const prefix = fc.integer({ min: 1, max: 128 });

/** A spelling of eight groups: capital letters, leading zeros, any run of zeros as a gap, the end as IPv4. */
function spelling(all: readonly number[], how: readonly number[], isDotted: boolean): string {
  const hex = (group: number, i: number) => {
    const text = group.toString(16);
    const padded = (how[i] ?? 0) & 1 ? text.padStart(4, "0") : text;
    return (how[i] ?? 0) & 2 ? padded.toUpperCase() : padded;
  };
  const [a = 0, b = 0] = all.slice(6);
  const texts = isDotted
    ? [...all.slice(0, 6).map(hex), [a >> 8, a & 255, b >> 8, b & 255].join(".")]
    : all.map(hex);
  const zeros = texts.flatMap((text, i) => (/^0+$/.test(text) ? [i] : []));
  if (zeros.length === 0) return texts.join(":");
  const start = zeros[(how[0] ?? 0) % zeros.length]!;
  let end = start + 1;
  while (zeros.includes(end) && (how[1] ?? 0) % 5 !== 0) end++;
  return `${texts.slice(0, start).join(":")}::${texts.slice(end).join(":")}`;
}
const spelt = fc
  .tuple(groups, fc.array(fc.nat({ max: 20 }), { minLength: 8, maxLength: 8 }), fc.boolean())
  .map(([all, how, isDotted]) => ({ all, text: spelling(all, how, isDotted) }));

describe("one text for each address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["192.0.2.7:8080", "192.0.2.7"],
    [" 192.0.2.7 ", "192.0.2.7"],
    ["2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"],
    ["2001:DB8::7:0:0:0:1", "2001:db8:0:7::/64"],
    ["[2001:db8:0:7::1]:443", "2001:db8:0:7::/64"],
    ["[2001:db8:0:7::1]", "2001:db8:0:7::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["[fe80::1%25eth0]:80", "fe80::/64"],
    ["::", "::/64"],
    ["::1", "::/64"],
    ["1:0:0:2::", "1:0:0:2::/64"],
    ["64:ff9b::192.0.2.7", "192.0.2.7"],
    ["64:ff9b:1::192.0.2.7", "64:ff9b:1::/64"],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
  });

  test.each([
    ...[
      "",
      "unknown",
      "_hidden",
      "localhost",
      "1.2.3",
      "1.2.3.4.5",
      "01.2.3.4",
      "1.2.3.256",
      "1.2.3.4.",
      "0x7f.1",
    ],
    ...[
      "1.2.3.4:",
      "1.2.3.4:123456",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
    ],
    ...["12345::", "::g", "::1.2.3", "1.2.3.4::", "[::1", "::1]", "[::1]x", "[1.2.3.4]", "%eth0", "::1%"],
    `${"1".repeat(10_000)}`,
  ])("%s is none", (text) => {
    expect(canonicalAddress(text)).toBeUndefined();
  });

  test("any spelling of any address has the text that ipaddr.js and the prefix make of it", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          ipv4,
          spelt.map(({ text }) => text),
        ),
        prefix,
        (text, bits) => {
          expect(canonicalAddress(text, bits)).toBe(oracle(text, bits));
        },
      ),
      runs(3000),
    );
  });

  test("brackets, ports, zones and the spelling make no difference", () => {
    fc.assert(
      fc.property(
        spelt,
        fc.nat({ max: 65_535 }),
        fc.stringMatching(/^[a-z0-9]{1,8}$/),
        ({ all, text }, port, zone) => {
          const plain = canonicalAddress(all.map((group) => group.toString(16)).join(":"), 128);
          for (const form of [
            text,
            `[${text}]`,
            `[${text}]:${port}`,
            `${text}%${zone}`,
            `[${text}%${zone}]:${port}`,
          ]) {
            expect(canonicalAddress(form, 128), form).toBe(plain);
          }
        },
      ),
      runs(2000),
    );
  });

  test("a text is an address for ipaddr.js too, or it is none", () => {
    const letters = fc.constantFrom(..."0123456789abcfF:.:.:%[]x");
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 24 }), (text) => {
        const bare =
          /^\[([^[\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d{1,5}$/, "$1");
        if (/[[\]]/.test(bare) || /%.*%|%$|^%/.test(bare) || (text.startsWith("[") && !bare.includes(":")))
          return;
        expect(canonicalAddress(text)).toBe(oracle(bare, 64));
      }),
      runs(5000),
    );
  });

  test("the text of an address is an address, and the same", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          ipv4,
          spelt.map(({ text }) => text),
        ),
        (text) => {
          const once = canonicalAddress(text, 128)!;
          expect(canonicalAddress(once, 128)).toBe(once);
        },
      ),
      runs(1000),
    );
  });

  test.each([0, 129, 1.5, Number.NaN])("a prefix of %d bits is an error", (bits) => {
    expect(() => canonicalAddress("::1", bits)).toThrow(/ipv6Prefix must be .* from 1 to 128, got/);
  });
});

/** A guard per address that lets one HTTP request of each pass. */
function perAddress(options: GuardOptions<never, never> = {}) {
  const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000, per: "ip" })] });
  const refused: string[] = [];
  const warnings: string[] = [];
  const protect = guard(limits, {
    onRefused: ({ incoming }: HttpRefusal) => refused.push(incoming.address),
    onWarning: ({ code }) => warnings.push(code),
    ...options,
  });
  const serve = protect.handler((_: Request, __: unknown) => new Response("hello"));
  const send = async (headers: Record<string, string>, peer?: string) => {
    const info = peer === undefined ? {} : { remoteAddr: { hostname: peer } };
    return (await serve(new Request("https://example.com/", { headers }), info)).status;
  };
  return { send, refused, warnings, limits };
}

describe("known faults of other limiters", () => {
  test("CVE-2026-30827: IPv4 clients of a dual-stack socket (::ffff:1.2.3.4) do not share one bucket", async () => {
    const { send, limits } = perAddress();
    for (let i = 0; i < 200; i++) expect(await send({}, `::ffff:198.51.100.${i}`)).toBe(200);
    expect(limits.partitions).toMatchObject({ ip: { count: 200 } });
    expect(await send({}, "198.51.100.7")).toBe(429);
    expect(await send({}, "::ffff:c633:6408")).toBe(429);
    // An address that only ends like one is not IPv4.
    expect(await send({}, "2001:db8::198.51.100.9")).toBe(200);
    expect(await send({}, "2001:db8::1")).toBe(429);
  });

  test("CVE-2026-45364: another spelling, port, zone or bracket of one address is no other client", async () => {
    const { send } = perAddress({ proxies: 1 });
    const forwarded = (address: string) => send({ "x-forwarded-for": address }, "10.0.0.1");
    expect(await forwarded("2001:db8:0:7:0:0:0:1")).toBe(200);
    for (const spelling of [
      ...["2001:DB8:0:7::1", "2001:0db8:0000:0007::0001", "[2001:db8:0:7::1]:1234", "[2001:db8:0:7::1]:1235"],
      ...["2001:db8:0:7::1%eth0", "2001:db8::7:0:0:0.0.0.1", "2001:db8:0:7:ffff:ffff:ffff:ffff"],
    ]) {
      expect(await forwarded(spelling), spelling).toBe(429);
    }
    expect(await forwarded("192.0.2.7:1111")).toBe(200);
    expect(await forwarded("192.0.2.7:2222")).toBe(429);
    expect(await forwarded("::ffff:192.0.2.7")).toBe(429);
  });
});

describe("behind proxies", () => {
  test.each([
    [1, "6.6.6.6, 192.0.2.7", "192.0.2.7"],
    [2, "6.6.6.6, 192.0.2.7, 10.0.0.2", "192.0.2.7"],
    [3, "192.0.2.7, 10.0.0.3, 10.0.0.2", "192.0.2.7"],
    // A request that has not come through all of them.
    [3, "192.0.2.7, 10.0.0.2", "192.0.2.7"],
    [1, "6.6.6.6,, 192.0.2.7 , ", "192.0.2.7"],
    [1, `"6.6.6.6, 192.0.2.7`, "192.0.2.7"],
  ])("the address that the outermost of %d has written into %s is %s", async (proxies, header, expected) => {
    const { send, refused } = perAddress({ proxies });
    await send({ "x-forwarded-for": header }, "10.0.0.1");
    await send({ "x-forwarded-for": header }, "10.0.0.1");
    expect(refused).toEqual([expected]);
  });

  test.each([
    [1, "for=6.6.6.6, for=192.0.2.7;proto=https;by=10.0.0.1", "192.0.2.7"],
    [1, `for=6.6.6.6, For="[2001:db8:0:7::1]:4711"`, "2001:db8:0:7::/64"],
    [2, `for=192.0.2.7;host="a,b", for=10.0.0.2`, "192.0.2.7"],
    [1, `for="6.6.6.6, for=192.0.2.7`, "192.0.2.7"],
    [1, `for="\\", for=192.0.2.7`, "192.0.2.7"],
    [1, "proto=https; for=192.0.2.7", "192.0.2.7"],
  ])("Forwarded, %d proxies, %s: %s", async (proxies, header, expected) => {
    const { send, refused } = perAddress({ proxies, forwardedHeader: "forwarded" });
    await send({ forwarded: header }, "10.0.0.1");
    await send({ forwarded: header }, "10.0.0.1");
    expect(refused).toEqual([expected]);
  });

  test("a header that the proxies do not write is not believed", async () => {
    const { send, refused } = perAddress({ proxies: 1 });
    for (const i of [1, 2])
      await send({ "x-forwarded-for": "192.0.2.7", forwarded: `for=6.6.6.${i}` }, "10.0.0.1");
    expect(refused).toEqual(["192.0.2.7"]);
  });

  test("without the option, a header says nothing, and there is one warning", async () => {
    const { send, warnings } = perAddress();
    expect(await send({ "x-forwarded-for": "1.1.1.1" }, "192.0.2.7")).toBe(200);
    expect(await send({ "x-forwarded-for": "2.2.2.2" }, "192.0.2.7")).toBe(429);
    expect(warnings).toEqual(["WARN_PROXIES"]);
  });

  test("proxies: 0 says that there are none: no warning", async () => {
    const { send, warnings } = perAddress({ proxies: 0 });
    expect(await send({ "x-forwarded-for": "1.1.1.1" }, "192.0.2.7")).toBe(200);
    expect(await send({ "x-forwarded-for": "2.2.2.2" }, "192.0.2.7")).toBe(429);
    expect(warnings).toEqual([]);
  });

  test("a request without the header counts by its connection, with one warning", async () => {
    const { send, warnings } = perAddress({ proxies: 1 });
    expect(await send({}, "10.0.0.1")).toBe(200);
    expect(await send({}, "10.0.0.1")).toBe(429);
    expect(await send({}, "10.0.0.2")).toBe(200);
    expect(warnings).toEqual(["WARN_PROXIES"]);
  });

  test("from the right, whatever a client has begun the header with", () => {
    const own = fc.constantFrom("192.0.2.7", "[2001:db8::1]:80", '"[2001:db8::1]:80"');
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'1.," \\=;f'), maxLength: 30 }),
        fc.array(own, { minLength: 1, maxLength: 4 }),
        (start, added) => {
          const header = [start, ...added].join(", ");
          expect(fromRight(header, added.length)).toBe(added[0]);
        },
      ),
      runs(2000),
    );
  });
});

describe("where the address stands", () => {
  test("a header of an edge network, by its name", async () => {
    const { send, refused } = perAddress({ address: "CF-Connecting-IP" });
    for (const _ of [1, 2]) await send({ "cf-connecting-ip": "192.0.2.7" });
    expect(refused).toEqual(["192.0.2.7"]);
  });

  test("a function", async () => {
    const { send, refused } = perAddress({ address: ({ request }) => request.headers.get("x-mine") });
    for (const _ of [1, 2]) await send({ "x-mine": "::ffff:192.0.2.7" });
    expect(refused).toEqual(["192.0.2.7"]);
  });

  test("Cloudflare says it in a header, where its network has a say in the request", async () => {
    const { limits } = perAddress();
    const serve = guard(limits).handler(() => new Response("hello"));
    const request = (address: string) =>
      Object.assign(new Request("https://example.com/", { headers: { "cf-connecting-ip": address } }), {
        cf: {},
      });
    expect((await serve(request("192.0.2.7"))).status).toBe(200);
    expect((await serve(request("192.0.2.8"))).status).toBe(200);
    expect((await serve(request("192.0.2.7"))).status).toBe(429);
  });

  test("Bun's server says it", async () => {
    const { limits, refused } = perAddress();
    const serve = guard(limits, { onRefused: ({ incoming }) => refused.push(incoming.address) }).handler(
      (_: Request, __: unknown) => new Response("hello"),
    );
    const server = { requestIP: () => ({ address: "::ffff:192.0.2.7", family: "IPv6", port: 1 }) };
    for (const _ of [1, 2]) await serve(new Request("https://example.com/"), server);
    expect(refused).toEqual(["192.0.2.7"]);
  });

  test("nowhere: a clear error at the first request, and no bucket for all", async () => {
    const { send, limits } = perAddress();
    await expect(send({})).rejects.toMatchObject({
      name: "NoAddressError",
      code: "ERR_NO_ADDRESS",
      message: expect.stringContaining("state how many, as proxies: 1"),
    });
    await expect(send({}, "/run/socket")).rejects.toThrow(
      'no address of the client: the connection says "/run/socket"',
    );
    expect(limits.partitions).toMatchObject({ ip: { count: 0 } });
  });

  test("nowhere, and nothing asks for it: no error", async () => {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000 })] });
    const serve = guard(limits).handler(() => new Response("hello"));
    expect((await serve(new Request("https://example.com/"))).status).toBe(200);
  });
});
