/** A channel as users might write one: messages travel as JSON and arrive on a later turn of the event loop. */
import type { Endpoint } from "../../src/port/index.ts";

export interface JsonChannel {
  readonly here: Endpoint;
  readonly there: Endpoint;
  /** Messages sent so far from each end. */
  readonly sent: { here: unknown[]; there: unknown[] };
  /** Tells each end that the other is gone. */
  close(): void;
}

export function jsonChannel({ tells = true } = {}): JsonChannel {
  const sent: JsonChannel["sent"] = { here: [], there: [] };
  const ends = { here: new Set<() => void>(), there: new Set<() => void>() };
  const listeners = {
    here: new Set<(message: unknown) => void>(),
    there: new Set<(message: unknown) => void>(),
  };
  let open = true;
  const end = (from: "here" | "there", to: "here" | "there"): Endpoint => ({
    send(message) {
      if (!open) throw new Error("the channel is closed");
      const text = JSON.stringify(message);
      sent[from].push(JSON.parse(text));
      setImmediate(() => {
        if (!open) return;
        for (const listener of listeners[to]) listener(JSON.parse(text));
      });
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
    close() {
      if (!open) return;
      open = false;
      for (const listener of [...ends.here, ...ends.there]) listener();
    },
  };
}
