/**
 * The script: what `assembly/` is to a set in this isolate, for one on the server. It repeats the core's arithmetic, and is held to
 * it by the same random histories. All of a set is in one hash, so that it runs on a cluster too.
 */
import { createHash } from "node:crypto";
import { fixedWindow, gcra, leakyBucket, resource, slidingWindow, tokenBucket } from "./algorithms.ts";
import { debt } from "./debt.ts";
import { hash } from "./hash.ts";
import { constants, numbers } from "./numbers.ts";
import { redefine } from "./redefine.ts";
import { marks } from "./refund.ts";
import { sessions } from "./sessions.ts";
import { transact } from "./transact.ts";

/**
 * A function that makes algorithms when they are first needed. The whole text is run anew at each call, and to make all functions that a
 * call does not need would take longer than all else it does.
 */
function module(name: string, result: string, ...parts: readonly string[]): string {
  return `local function ${name}()${parts.join("")}return ${result}\nend\n`;
}

const parts = [
  constants,
  module("buckets", "tokenBucket, gcra", numbers, marks, debt, tokenBucket, gcra),
  module("leakyBuckets", "leakyBucket", numbers, marks, debt, leakyBucket),
  module("slidingWindows", "slidingWindow", numbers, slidingWindow),
  module("fixedWindows", "fixedWindow", fixedWindow),
  module("resources", "resource", resource),
  hash,
  sessions,
  redefine,
  transact,
];

export const script: string = parts.join("");

/** The name by which the server knows the script once it has seen it. */
export const sha: string = createHash("sha1").update(script).digest("hex");
