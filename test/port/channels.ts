/** A channel as users might write one: messages travel as JSON and arrive on a later turn of the event loop. */
import type { Endpoint } from "../../src/port/index.ts";

export interface JsonChannel {
  readonly here: Endpoint;
  readonly there: Endpoint;
  /** Messages sent so far from each end. */
  readonly sent: { here: unknown[]; there: unknown[] };
  /** Keeps back all messages to and from an end, as if its program stood still. With `merging`, those to it arrive as one. */
  freeze(end: "here" | "there", options?: { readonly merging?: boolean }): void;
  /** Lets the program of an end go on: it gets the messages that were kept back, and then sends its own. */
  thaw(end: "here" | "there"): void;
  /** Tells each end that the other is gone. */
  close(): void;
}

interface Ops {
  readonly ops: readonly unknown[];
}

export function jsonChannel({ tells = true } = {}): JsonChannel {
  const sent: JsonChannel["sent"] = { here: [], there: [] };
  const ends = { here: new Set<() => void>(), there: new Set<() => void>() };
  const listeners = {
    here: new Set<(message: unknown) => void>(),
    there: new Set<(message: unknown) => void>(),
  };
  let open = true;
  const frozen = { here: false, there: false };
  let isMerging = false;
  const kept: { from: "here" | "there"; to: "here" | "there"; text: string }[] = [];
  const deliver = (from: "here" | "there", to: "here" | "there", text: string) => {
    if (!open) return;
    if (frozen[from] || frozen[to]) kept.push({ from, to, text });
    else for (const listener of listeners[to]) listener(JSON.parse(text));
  };
  const end = (from: "here" | "there", to: "here" | "there"): Endpoint => ({
    send(message) {
      if (!open) throw new Error("the channel is closed");
      const text = JSON.stringify(message);
      sent[from].push(JSON.parse(text));
      setImmediate(() => deliver(from, to, text));
    },
    receive(listener) {
      listeners[from].add(listener);
      return () => void listeners[from].delete(listener);
    },
    ...(tells && { ended: (listener: () => void) => void ends[from].add(listener) }),
  });
  return {
    here: end("here", "there"),
    there: end("there", "here"),
    sent,
    freeze(end, { merging = false } = {}) {
      frozen[end] = true;
      isMerging = merging;
    },
    thaw(end) {
      frozen[end] = false;
      const arrived = kept.filter(({ to }) => to === end);
      const rest = kept.filter(({ to }) => to !== end);
      kept.length = 0;
      const messages = arrived.map(({ text }) => JSON.parse(text) as Ops);
      const merged = { ...messages[0], ops: messages.flatMap(({ ops }) => ops) };
      for (const message of isMerging && messages.length > 0 ? [merged] : messages) {
        for (const listener of listeners[end]) listener(message);
      }
      for (const { from, to, text } of rest) setImmediate(() => deliver(from, to, text));
    },
    close() {
      if (!open) return;
      open = false;
      for (const listener of [...ends.here, ...ends.there]) listener();
    },
  };
}
