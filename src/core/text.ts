/** The text of the definitions of a region that threads share: the core's own words do not say all of a limit. */
import { TEXT, TEXT_BYTES } from "../../assembly/layout.ts";
import type { Address } from "./block.ts";

/** Writes a text into a region, `at` so many bytes behind its beginning. */
export function writeText({ buffer, start }: Address, at: number, text: Uint8Array): void {
  const words = new Int32Array(buffer, start);
  new Uint8Array(buffer, start + at, text.length).set(text);
  words[TEXT / 4] = at;
  words[TEXT_BYTES / 4] = text.length;
}

export function readText({ buffer, start }: Address): string {
  const words = new Int32Array(buffer, start);
  // Copied, since a text in shared memory is not decoded by all platforms.
  const bytes = new Uint8Array(buffer, start + words[TEXT / 4]!, words[TEXT_BYTES / 4]!).slice();
  return new TextDecoder().decode(bytes);
}
