/** A Worker in workerd whose HTTP requests share sets. Each path does one thing; the tests combine them. */
import { CallLimit, LimitSet, ResourceLimit } from "limitset";
import { shareLimits } from "limitset/threads";

const WINDOW_MS = 400;

const db = () => new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
const calls = () => new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: WINDOW_MS })] });

/** Sets made at module scope: outside of any HTTP request, and while time stands at zero. @type {Map<string, LimitSet<never>>} */
const sets = new Map();
for (const name of [
  "handed",
  "order",
  "long",
  "ended",
  "cancelled",
  "left",
  "timeout",
  "abort",
  "close",
  "lost",
  "crowd",
])
  sets.set(name, /** @type {any} */ (db()));
for (const name of ["calls", "keeper", "still"]) sets.set(name, /** @type {any} */ (calls()));

const start = calls();
const atStart = [start.tryAcquire().successful, start.tryAcquire().successful];
const waitedAtStart = start.acquire().then(() => "granted", String);

/** @type {Map<string, import("limitset").Acquisition[]>} */
const held = new Map();
/** @type {Map<string, AbortController>} */
const controllers = new Map();
/** @type {string[]} */
const order = [];
let inside = 0;
let most = 0;

/** @param {string} name @param {import("limitset").Acquisition} acquisition */
function hold(name, acquisition) {
  held.set(name, [...(held.get(name) ?? []), acquisition]);
  return acquisition.requested;
}

/** A signal that belongs to the HTTP request. @param {Request} request @param {AbortController} [controller] */
const signalOf = (request, controller = new AbortController()) =>
  AbortSignal.any([controller.signal, request.signal, AbortSignal.timeout(60_000)]);

/** An action that is possible only in the HTTP request itself. */
const ownWork = () => new Promise((resolve) => setTimeout(resolve, 1));

/** @type {Record<string, (set: LimitSet<never>, name: string, request: Request, env: { self: typeof globalThis }) => unknown>} */
const paths = {
  start: async () => ({ atStart, waited: await waitedAtStart, waiting: start.waiting }),
  inside: async () => {
    const own = /** @type {LimitSet<"call_count">} */ (calls());
    const answers = [own.tryAcquire().successful, own.tryAcquire().retryAfterMs > 0];
    const acquisition = await own.acquire();
    return [...answers, acquisition.requested, own.stats().call_count.waiting];
  },
  take: (set, name) => hold(name, set.tryAcquire()),
  try: (set) => {
    const tried = set.tryAcquire();
    tried.release();
    return tried.successful;
  },
  acquire: async (set, name, request) => {
    const url = new URL(request.url);
    const timeoutMs = Number(url.searchParams.get("timeout") ?? "60000");
    const controller = new AbortController();
    controllers.set(name, controller);
    const acquisition = await set.acquire({}, { timeoutMs, signal: signalOf(request, controller) });
    await ownWork();
    order.push(`${name} ${url.searchParams.get("as")}`);
    return hold(name, acquisition);
  },
  /** Acquires, works and releases; answers how many did so at the same time at most. */
  work: (set) =>
    set.run({}, async () => {
      inside++;
      most = Math.max(most, inside);
      await ownWork();
      inside--;
      return most;
    }),
  /** Waits for limits in an HTTP request that ends without awaiting them. */
  forget: (set, _, request) => void set.acquire({}, { signal: signalOf(request) }).catch(() => {}),
  /** Waits for limits in an HTTP request that is cancelled in the meantime. */
  cancel: async (_, name, { url }, env) => {
    const cancelled = new AbortController();
    const waiting = env.self.fetch(`${new URL(url).origin}/acquire/${name}`, { signal: cancelled.signal });
    await new Promise((resolve) => setTimeout(resolve, 100));
    cancelled.abort();
    return waiting.then(
      () => "answered",
      () => "cancelled",
    );
  },
  /** Acquires, and drops the acquisition. */
  lose: (set) => set.tryAcquire().requested,
  collect: () => /** @type {{ gc?: () => void }} */ (globalThis).gc?.(),
  release: (_, name) => {
    for (const acquisition of held.get(name)?.splice(0) ?? []) acquisition.release();
  },
  order: (_, name) => order.filter((each) => each.startsWith(name)),
  waiting: (set) => set.waiting,
  used: (set) => Object.values(set.stats()).map(({ used }) => used),
  abort: (_, name) => controllers.get(name)?.abort(new Error("enough")),
  close: (set) => set.close(),
  /** Tries repeatedly while no time passes, and then after `retryAfterMs`. */
  still: async (set) => {
    set.tryAcquire();
    const [first, ...others] = Array.from({ length: 1000 }, () => set.tryAcquire().retryAfterMs);
    await new Promise((resolve) => setTimeout(resolve, first));
    return { never: others.every((ms) => ms > 0 && ms <= Number(first)), after: set.tryAcquire().successful };
  },
  block: (set) => [codeOf(() => set.acquireSync()), codeOf(() => shareLimits(set))],
};

/** @param {() => unknown} action */
function codeOf(action) {
  try {
    return action();
  } catch (error) {
    const { code, message } = /** @type {import("limitset").LimitError} */ (error);
    return [code, message];
  }
}

export default {
  /** @param {Request} request @param {{ self: typeof globalThis }} env */
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, path = "", name = ""] = url.pathname.split("/");
    try {
      const answer = await paths[path]?.(/** @type {LimitSet<never>} */ (sets.get(name)), name, request, env);
      return Response.json(answer ?? null);
    } catch (error) {
      return Response.json(`${/** @type {Error} */ (error).name}: ${/** @type {Error} */ (error).message}`);
    }
  },
};
