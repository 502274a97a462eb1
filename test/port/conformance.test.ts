/** The conformance suite with connected sets: over a channel that clones messages, and one that writes them as JSON. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, type EndpointLike, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { type Harness, type SetOptions, START, type Subject } from "../conformance/harness.ts";
import { conformance } from "../conformance/suite.ts";
import { jsonChannel } from "./channels.ts";

interface Ends {
  readonly here: EndpointLike;
  readonly there: EndpointLike;
  close(): void;
}

function harness(channel: () => Ends): Harness {
  return {
    capabilities: {
      sync: false,
      timers: false,
      blocking: false,
      warnings: true,
      changes: true,
      redefines: true,
      partitions: true,
      partitionsRedefined: true,
      exhaustive: false,
      crowd: 1000,
    },
    async create<K extends string>({ onWarning, ...options }: SetOptions<K>): Promise<Subject<K>> {
      const clock = new ManualClock(START);
      const set = new LimitSet<K>({ limits: [], ...options, clock });
      const ends = channel();
      const service = serveLimits(set, ends.there);
      const limits = connectLimits<K>(ends.here, onWarning && { onWarning });
      await limits.ready;
      const settle = async () => {
        // Messages keep their order: when this is answered, all earlier operations are done.
        for (let times = 0; times < 2; times++) {
          await limits.stats().catch(() => {});
          await nextTurn();
        }
      };
      return {
        limits,
        clock: {
          now: () => clock.now(),
          async advance(ms) {
            await settle();
            clock.advance(ms);
            await settle();
          },
          async set(ms) {
            await settle();
            clock.set(ms);
            await settle();
          },
          pendingTimers: 0,
          timersSet: 0,
        },
        settle,
        async close() {
          limits.close();
          service.stop();
          set.close();
          ends.close();
        },
      };
    },
  };
}

conformance(
  "a set behind a MessagePort",
  harness(() => {
    const { port1, port2 } = new MessageChannel();
    return { here: port1, there: port2, close: () => port1.close() };
  }),
);
conformance("a set behind a channel of JSON", harness(jsonChannel));
