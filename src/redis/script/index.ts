/**
 * The script: the counterpart on the server of `assembly/`, the core of a local set. It repeats the core's arithmetic; a test
 * compares the two by the same random histories. A set is stored in one hash, so that it runs on a cluster too.
 */
import { builtin } from "../../platform/builtin.ts";
import {
  calendar,
  fixedWindow,
  gcra,
  leakyBucket,
  resource,
  slidingWindow,
  tokenBucket,
  unlimited,
} from "./algorithms.ts";
import { bulk } from "./bulk.ts";
import { debt } from "./debt.ts";
import { front } from "./front.ts";
import { hash } from "./hash.ts";
import { constants, numbers } from "./numbers.ts";
import { marks } from "./refund.ts";
import { sessions } from "./sessions.ts";
import { transact } from "./transact.ts";
import { later } from "./windows.ts";

/**
 * A Lua function that makes algorithms when they are first needed. The whole text runs anew at each call, and making the functions
 * that a call does not need would take longer than the rest of the call.
 */
function module(name: string, result: string, ...parts: readonly string[]): string {
  return `local function ${name}()${parts.join("")}return ${result}\nend\n`;
}

const parts = [
  front,
  constants,
  module("buckets", "tokenBucket, gcra", numbers, marks, debt, tokenBucket, gcra),
  module("leakyBuckets", "leakyBucket", numbers, marks, debt, leakyBucket),
  module("slidingWindows", "slidingWindow", numbers, later, slidingWindow),
  module("fixedWindows", "fixedWindow", numbers, later, fixedWindow),
  module("calendars", "calendar", numbers, later, calendar),
  module("resources", "resource", resource),
  module("division", "mulDiv", numbers),
  module("unlimiteds", "unlimited", unlimited),
  // A function takes over what the function around it has from outside, and searches all variables in use for all else: so there is one around
  // the functions of this half.
  "local function behind()\n",
  hash,
  bulk,
  sessions,
  transact,
  "end\nreturn behind()\n",
];

export const script: string = parts.join("");

interface CryptoModule {
  createHash(name: "sha1"): { update(text: string): { digest(encoding: "hex"): string } };
}

let known: string | undefined;

/** The name of the script on a server that has its text: its SHA-1. Where the runtime has no hash that answers at once, the first answer comes later. */
export function nameOfScript(): string | Promise<string> {
  known ??= builtin<CryptoModule>("node:crypto")?.createHash("sha1").update(script).digest("hex");
  return known ?? nameByWebCrypto();
}

async function nameByWebCrypto(): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(script)));
  known = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return known;
}

const COMMAND = /\bp?call\("([A-Z]+)"/g;

/** The commands of the server that the script calls. */
export const commands: readonly string[] = [
  ...new Set([...script.matchAll(COMMAND)].map(([, name]) => name!)),
];

/** The command that the script calls in a line, as errors of the server count lines. */
export function commandAt(line: number): string | undefined {
  return [...(script.split("\n")[line - 1] ?? "").matchAll(COMMAND)][0]?.[1];
}
