/**
 * The beginning and the end of a body that passes. Usage stands there, so that neither the body is kept nor each of its events is read:
 * a stream is as fast as without it.
 */

const HEAD = 8 * 1024;
const TAIL = 16 * 1024;

export class Excerpt {
  /** The head, and then the end: as much of it as fits, and always TAIL bytes. */
  private kept = new Uint8Array(2048);
  private size = 0;
  /** How many bytes have passed. */
  bytes = 0;

  add(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    const missing = Math.max(0, HEAD - this.size);
    this.append(chunk.subarray(0, missing));
    this.append(chunk.subarray(Math.max(missing, chunk.length - TAIL)));
  }

  private append(part: Uint8Array): void {
    if (part.length === 0) return;
    if (this.size + part.length > HEAD + 2 * TAIL) {
      const kept = Math.max(0, TAIL - part.length);
      this.kept.copyWithin(HEAD, this.size - kept, this.size);
      this.size = HEAD + kept;
    }
    const size = this.size + part.length;
    if (size > this.kept.length) {
      const larger = new Uint8Array(Math.min(HEAD + 2 * TAIL, Math.max(size, 2 * this.kept.length)));
      larger.set(this.kept.subarray(0, this.size));
      this.kept = larger;
    }
    this.kept.set(part, this.size);
    this.size = size;
  }

  /** The whole body; undefined if it is longer than what is kept in any case. */
  get whole(): string | undefined {
    return this.bytes <= HEAD + TAIL ? this.text() : undefined;
  }

  private text(): string {
    return new TextDecoder().decode(this.kept.subarray(0, this.size));
  }

  /** The objects at `key` that the excerpt has whole: of JSON the last one; of events the fields of all, where later ones win. */
  find(key: string, isStream: boolean): Readonly<Record<string, unknown>> | undefined {
    const text = this.text();
    let found: Record<string, unknown> | undefined;
    // A quote within a text has a backslash before it: only keys look like this.
    for (const { index, 0: start } of text.matchAll(new RegExp(`"${key}"\\s*:\\s*(?={)`, "g"))) {
      const value = objectAt(text, index + start.length);
      if (value) found = isStream ? { ...found, ...value } : value;
    }
    return found;
  }

  /** The tokens that the events have had, by rule of thumb: one for 4 bytes of their words, and at least one for each event with words. */
  tokens(): number {
    let tokens = 0;
    let bytes = 0;
    for (const [, words] of this.text().matchAll(WORDS)) {
      if (words === "") continue;
      tokens++;
      bytes += words!.length;
    }
    return Math.ceil((Math.max(tokens, bytes / 4) * this.bytes) / this.size) || 0;
  }
}

/** The keys by which the events of model APIs have words. */
const WORDS = /"(?:text|content|delta|thinking|reasoning|arguments|partial_json)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;

/** The JSON object that begins at `from`; undefined if it is cut off, or is no JSON. */
function objectAt(text: string, from: number): Record<string, unknown> | undefined {
  let depth = 0;
  for (const { 0: mark, index } of text.slice(from, from + TAIL).matchAll(/[{}]|"(?:[^"\\]|\\.)*"/g)) {
    if (mark === "{") depth++;
    else if (mark === "}") depth--;
    if (depth > 0) continue;
    try {
      return JSON.parse(text.slice(from, from + index + 1));
    } catch {
      return undefined;
    }
  }
  return undefined;
}
