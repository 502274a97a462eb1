/** The far side: makes an object of the class it is told, with limits, and calls its methods. */
import type { Limits } from "../contract.ts";
import { LimitSet } from "../limit-set.ts";
import { holdLock } from "../platform/locks.ts";
import { connectLimits } from "../port/connect.ts";
import { type EndpointLike, toEndpoint } from "../port/endpoint.ts";
import { classesIn } from "../remote/error-classes.ts";
import { packThrown, unpackThrown } from "../remote/packed-errors.ts";
import { attachLimits } from "../threads/attach.ts";
import { CannotCrossError, InvalidWorkerError, workerErrorClasses } from "./errors.ts";
import { type Constructor, Instance } from "./instance.ts";
import { type Answer, type LimitsOrder, type Place, SERVED_AS, type StartOrder, toAnswer } from "./rpc.ts";
import { putSignals } from "./signals.ts";

const KNOWN = classesIn(workerErrorClasses);

/** A call under way: how to abort it. */
type Abort = (index: number, reason: unknown) => void;

/** Does as the other end of the channel says. */
export function host(channel: EndpointLike): void {
  const calls = new Map<number, Abort>();
  let instance: Instance | undefined;
  let limits: Limits | undefined;

  const functions = {
    async start(order: StartOrder) {
      const { lock } = order;
      if (lock !== undefined) await new Promise<void>((held) => holdLock(lock, held));
      const Class = await load(order);
      limits = await open(order.limits, channel);
      instance = new Instance(Class, order.args, limits);
      return undefined;
    },
    async call(id: number, method: string, args: readonly unknown[], places: readonly Place[]) {
      const chain = new AbortController();
      const own = places.map(() => new AbortController());
      calls.set(id, (index, reason) => (own[index] ?? chain).abort(reason));
      const signals = own.map(({ signal }) => signal);
      try {
        return await instance!.call(method, putSignals(args, places, signals), chain.signal);
      } finally {
        calls.delete(id);
      }
    },
    async end() {
      await instance?.dispose();
      await limits?.close();
    },
  };

  toAnswer(
    toEndpoint(channel),
    {
      start: (order) => answering(() => functions.start(order)),
      call: (id, method, args, places) => answering(() => functions.call(id, method, args, places)),
      abort: (id, index, reason) => calls.get(id)?.(index, unpackThrown(reason, KNOWN)),
      end: () => answering(() => functions.end()),
    },
    (error) => ({ error: packThrown(new CannotCrossError("the result", error)) }),
  );
}

async function answering(body: () => Promise<unknown>): Promise<Answer> {
  try {
    return { value: await body() };
  } catch (error) {
    return { error: packThrown(error) };
  }
}

async function load({ module, name }: StartOrder): Promise<Constructor> {
  const exported: Record<string, unknown> = await import(/* webpackIgnore: true */ /* @vite-ignore */ module);
  const found = [exported[name], ...Object.values(exported)].find(
    (value) => typeof value === "function" && value.name === name,
  );
  if (found) return found as Constructor;
  throw new InvalidWorkerError(
    `the module of ${name} exports no class of that name: export it, and set \`static module = import.meta.url\` in the module itself`,
  );
}

async function open(order: LimitsOrder, channel: EndpointLike): Promise<Limits> {
  if (order.kind === "none") return new LimitSet();
  if (order.kind === "shared") return attachLimits(order.handle);
  const limits = connectLimits(channel, { name: SERVED_AS });
  await limits.ready;
  return limits;
}
