/** The runner: in a thread or process of a worker, makes the object and calls its methods, as the starting side asks. */
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
import { loadFor } from "./lineage.ts";
import {
  type Answer,
  type LimitsSource,
  SERVED_AS,
  type SignalPlace,
  type StartParameters,
  serveRunner,
} from "./rpc.ts";
import { viewIn } from "./sent-view.ts";
import { putSignals } from "./signals.ts";

const KNOWN = classesIn(workerErrorClasses);

/** Aborts a signal of an attempt under way, as `RunnerFunctions.abort` says. */
type Abort = (index: number, reason: unknown) => void;

/** Answers the calls that arrive over `channel`, with objects of `Served`; without it, of the class that `start` names. */
export function run(channel: EndpointLike, Served?: Constructor): void {
  const attempts = new Map<number, Abort>();
  let instance: Instance | undefined;
  let limits: Limits | undefined;

  const functions = {
    async start(parameters: StartParameters) {
      const { lock } = parameters;
      if (lock !== undefined) await new Promise<void>((held) => holdLock(lock, held));
      const Class = await load(parameters, Served);
      limits = await open(parameters.limits, channel);
      const view = "view" in parameters.limits ? parameters.limits.view : undefined;
      instance = new Instance(Class, parameters.args, view ? viewIn(limits, view) : limits);
      return undefined;
    },
    async call(id: number, method: string, args: readonly unknown[], places: readonly SignalPlace[]) {
      const attempt = new AbortController();
      const controllers = places.map(() => new AbortController());
      attempts.set(id, (index, reason) => (controllers[index] ?? attempt).abort(reason));
      const signals = controllers.map(({ signal }) => signal);
      try {
        return await instance!.call(method, putSignals(args, places, signals), attempt.signal);
      } finally {
        attempts.delete(id);
      }
    },
    async end() {
      await instance?.dispose();
      await limits?.close();
    },
  };

  serveRunner(
    toEndpoint(channel),
    {
      start: (parameters) => answering(() => functions.start(parameters)),
      call: (id, method, args, places) => answering(() => functions.call(id, method, args, places)),
      abort: (id, index, reason) => attempts.get(id)?.(index, unpackThrown(reason, KNOWN)),
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

async function load({ origins }: StartParameters, Served?: Constructor): Promise<Constructor> {
  const { module, name } = origins.at(-1)!;
  if (Served) return loadFor(origins, async () => Served);
  const exported = await loadFor(origins, () => importModule(module));
  const found = [exported[name], ...Object.values(exported)].find(
    (value) => typeof value === "function" && value.name === name,
  );
  if (found) return found as Constructor;
  throw new InvalidWorkerError(
    `the module of ${name} exports no class of that name: export it, and set \`static module = import.meta.url\` in the module itself; ${IN_BUNDLES}`,
  );
}

const IN_BUNDLES =
  "in a bundle, where the class is among other code, call serveWorker() in a program of its own, and name that by the option entry";

/** @throws {InvalidWorkerError} if the module cannot be loaded here: a bundler has put the class into other code. */
async function importModule(module: string): Promise<Record<string, unknown>> {
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ module);
  } catch (error) {
    if (!isOfBundles(error)) throw error;
    const message = `${module} is no module for threads: ${error.message}; ${IN_BUNDLES}`;
    throw Object.assign(new InvalidWorkerError(message), { cause: error });
  }
}

/** Whether a module could not be fetched, or is the code of a page. Other errors are the module's own. */
function isOfBundles(error: unknown): error is Error {
  if (error instanceof ReferenceError) return /\b(document|window)\b/.test(error.message);
  return error instanceof TypeError && /import.* module/i.test(error.message);
}

async function open(source: LimitsSource, channel: EndpointLike): Promise<Limits> {
  if (source.kind === "none") return new LimitSet();
  if (source.kind === "shared") return attachLimits(source.handle);
  const limits = connectLimits(channel, { name: SERVED_AS });
  await limits.ready;
  return limits;
}
