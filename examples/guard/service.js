// The service, and the guard before it. It is the same wherever the limits are kept.
import { createServer } from "node:http";
import process from "node:process";
import { protectionOf } from "./protection.js";

/** @param {import("limitset").Limits} limits */
export function serve(limits) {
  const protect = protectionOf(limits, Number(process.env["PROXIES"] ?? 0));
  const server = createServer(
    protect.node(async (request, response) => {
      // As work that takes a moment.
      const ms = Number(new URL(request.url ?? "/", "http://server").searchParams.get("ms") ?? 0);
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
      response.end(`hello from process ${process.pid}\n`);
    }),
  );
  server.listen(Number(process.env["PORT"]), "127.0.0.1");
}
