/**
 * The beginning and the end of a body that passes. Usage stands there, so that neither the body is kept nor each of its events is read:
 * a stream is as fast as without it.
 */

const HEAD = 8 * 1024;
const TAIL = 16 * 1024;

/** The keys by which the events of model APIs have words. */
const WORDS = /"(?:text|content|delta|thinking|reasoning|arguments|partial_json)"\s*:\s*"((?:[^"\\]|\\.)+)"/g;

const STRING = '"(?:[^"\\\\]|\\\\.)*"';
/** A JSON object with objects in it, three deep. Usage is no deeper. */
const OBJECT = [1, 2].reduce(
  (inner) => `\\{(?:[^{}"]|${STRING}|${inner})*\\}`,
  `\\{(?:[^{}"]|${STRING})*\\}`,
);

export class Excerpt {
  /** How many bytes have passed. */
  bytes = 0;
  private readonly head: Uint8Array[] = [];
  /** Room for the end, twice, so that it moves only now and then; it ends at `at`. */
  private room: Uint8Array | undefined;
  private at = 0;

  /** Copies what it keeps, since the reader may move the chunk's memory elsewhere. */
  add(chunk: Uint8Array): void {
    const { length } = chunk;
    const ofHead = Math.min(length, Math.max(0, HEAD - this.bytes));
    if (ofHead > 0) this.head.push(chunk.slice(0, ofHead));
    if (ofHead < length) this.addEnd(chunk.subarray(Math.max(ofHead, length - TAIL)));
    this.bytes += length;
  }

  private addEnd(end: Uint8Array): void {
    this.room ??= new Uint8Array(2 * TAIL);
    if (end.length === TAIL) this.at = 0;
    else if (this.at + end.length > 2 * TAIL) {
      this.room.copyWithin(0, this.at - TAIL, this.at);
      this.at = TAIL;
    }
    this.room.set(end, this.at);
    this.at += end.length;
  }

  private get text(): string {
    const decoder = new TextDecoder();
    const tail = this.room?.subarray(Math.max(0, this.at - TAIL), this.at) ?? new Uint8Array();
    return [...this.head, tail].map((part) => decoder.decode(part, { stream: true })).join("");
  }

  /** The whole body; undefined if it is longer than what is kept in any case. */
  get whole(): string | undefined {
    return this.bytes <= HEAD + TAIL ? this.text : undefined;
  }

  /** The objects at `key` that the excerpt has whole: of JSON the last one; of events the fields of all, where later ones win. */
  find(key: string, isStream: boolean): Readonly<Record<string, unknown>> | undefined {
    let found: Record<string, unknown> | undefined;
    // A quote within a text has a backslash before it: only keys look like this.
    for (const [, object] of this.text.matchAll(new RegExp(`"${key}"\\s*:\\s*(${OBJECT})`, "g"))) {
      try {
        const value = JSON.parse(object!);
        found = isStream ? { ...found, ...value } : value;
      } catch {}
    }
    return found;
  }

  /** The tokens that the events have had, by rule of thumb: one for 4 bytes of their words, and at least one for each event with words. */
  tokens(): number {
    const { text } = this;
    const words = [...text.matchAll(WORDS)].map(([, each]) => each!.length);
    const bytes = words.reduce((sum, length) => sum + length, 0);
    return Math.ceil((Math.max(words.length, bytes / 4) * this.bytes) / text.length) || 0;
  }
}
