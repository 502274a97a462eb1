/**
 * The app that every server of these tests serves. Under `/calls` a guard counts calls, of all and per address; under `/held` one holds slots
 * until answers have ended. `/stats` says how things stand. The modules are those of the built package.
 *
 * @typedef {typeof import("limitset") & typeof import("limitset/http")} Modules
 * @typedef {{ readonly all: number, readonly each: number, readonly slots: number, readonly neverMs?: number }} Capacities
 */

// No call comes back while the tests run.
const WINDOW_MS = 1e12;

/** @param {Modules} modules @param {Capacities} capacities */
export function makeApp(
  { CallLimit, LimitSet, ResourceLimit, guard },
  { all, each, slots, neverMs = 3_600_000 },
) {
  const calls = new LimitSet({
    limits: [
      new CallLimit({ key: "all", capacity: all, windowMs: WINDOW_MS }),
      new CallLimit({ key: "per_ip", capacity: each, windowMs: WINDOW_MS, per: "ip" }),
    ],
  });
  const held = new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity: slots })] });
  /** @type {string[]} */
  const warnings = [];
  let passed = 0;
  /** @param {Error} warning */
  const onWarning = (warning) => warnings.push(`${warning.name}: ${warning.message}`);
  return {
    neverMs,
    calls: guard(calls, { proxies: 1, onWarning }),
    held: guard(held, { maxWaitMs: 0, onWarning }),
    /** Counts a call that has passed. */
    pass: () => {
      passed++;
    },
    stats() {
      return {
        passed,
        warnings,
        granted: calls.stats().all.granted,
        refused: [calls.stats().all.refused, calls.stats().per_ip.refused],
        addresses: calls.partitions["ip"]?.count,
        held: held.stats().slots.used,
        waiting: held.waiting,
      };
    },
  };
}

/** @typedef {ReturnType<typeof makeApp>} App */

/** The capacities, as the tests hand them over. @param {string | undefined} text @returns {Capacities} */
export const capacitiesOf = (text) => JSON.parse(text ?? '{"all":10,"each":2,"slots":5}');

export const CHUNK = "x".repeat(1000);

/**
 * A body that has no end, or three chunks, or that fails after one.
 *
 * @param {string} kind
 */
function bodyOf(kind) {
  const encoder = new TextEncoder();
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (kind === "fails" && sent === 1) controller.error(new Error("the body fails, as it should"));
      else if (kind === "short" && sent === 3) controller.close();
      else controller.enqueue(encoder.encode(CHUNK));
      sent++;
    },
  });
}

/**
 * Answers a `Request`. All but `/stats` comes through a guard.
 *
 * @param {App} app
 * @param {Request} request
 * @returns {Promise<Response>}
 */
export async function answer(app, request) {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/calls":
      app.pass();
      return new Response("hello");
    case "/held/never":
      // A promise that nothing can resolve is ended by workerd.
      return new Promise((resolve) => setTimeout(() => resolve(new Response("at last")), app.neverMs));
    case "/held/endless":
    case "/held/short":
    case "/held/fails":
      return new Response(bodyOf(pathname.slice("/held/".length)));
    case "/held/upload":
      return new Response(`${(await request.text()).length}`);
    case "/held/throws":
      throw new Error("the handler throws, as it should");
    case "/held/late":
      await new Promise((resolve) => setTimeout(resolve, 50));
      return new Response("late");
    default:
      return new Response("hello");
  }
}

/**
 * The same for servers of Node.
 *
 * @param {App} app
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {string} path
 */
export function answerInNode(app, request, response, path) {
  switch (path) {
    case "/calls":
      app.pass();
      response.end("hello");
      return;
    case "/held/never":
      return;
    case "/held/endless":
    case "/held/short":
    case "/held/fails": {
      let sent = 0;
      const timer = setInterval(() => {
        sent++;
        if (response.destroyed) clearInterval(timer);
        else if (path === "/held/fails" && sent === 2) response.destroy(new Error("the body fails"));
        else if (path === "/held/short" && sent === 4) response.end();
        else response.write(CHUNK);
        if (response.writableEnded) clearInterval(timer);
      }, 5);
      return;
    }
    case "/held/upload": {
      let length = 0;
      request.on("data", (chunk) => {
        length += chunk.length;
      });
      request.on("end", () => response.end(`${length}`));
      request.on("error", () => {});
      return;
    }
    case "/held/throws":
      response.statusCode = 500;
      response.destroy();
      return;
    case "/held/late":
      setTimeout(() => response.end("late"), 50);
      return;
    default:
      response.end("hello");
  }
}

/** Tells the test where the server listens. @param {number} port */
export function tell(port) {
  console.log(JSON.stringify({ port }));
}
