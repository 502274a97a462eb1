// A guarded handler of an edge runtime, as Next's: a middleware that answers, or lets the page answer.
import * as sets from "limitset";
import * as guards from "limitset/http";
import { answer, capacitiesOf, makeApp } from "./app.js";

const { CAPACITIES } = /** @type {{ CAPACITIES?: string }} */ (globalThis);
const app = makeApp(
  /** @type {import("./app.js").Modules} */ (/** @type {unknown} */ ({ ...sets, ...guards })),
  capacitiesOf(CAPACITIES),
);
/** @param {Request} request */
const handle = (request) => answer(app, request);
const calls = app.calls.handler(handle);
const held = app.held.handler(handle);

/** @param {Request} request */
export async function middleware(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/stats") return Response.json(app.stats());
  return pathname.startsWith("/held") ? held(request) : calls(request);
}

/** @typedef {{ request: Request, respondWith(response: Promise<Response>): void }} FetchEvent */
addEventListener("fetch", (event) => {
  const each = /** @type {FetchEvent} */ (/** @type {unknown} */ (event));
  each.respondWith(middleware(each.request));
});
