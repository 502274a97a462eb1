// Hono, without a server.
import { Hono } from "hono";
import { answer } from "./app.js";

/** @param {import("./app.js").App} app */
export function honoOf(app) {
  const hono = new Hono();
  hono.get("/stats", (context) => context.json(app.stats()));
  hono.use("/calls", app.calls.hono());
  hono.use("/held/*", app.held.hono());
  hono.all("/calls", (context) => {
    app.pass();
    return context.text("hello");
  });
  hono.all("/held/*", (context) => answer(app, context.req.raw));
  return hono;
}
