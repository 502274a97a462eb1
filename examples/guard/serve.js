// One process of the server. It knows the limits by a port: over Redis or a Durable Object, only this one line would differ.
import { createServer } from "node:http";
import process from "node:process";
import { guard } from "limitset/http";
import { connectLimits } from "limitset/port";

const limits = connectLimits(process);

const protect = guard(limits, { whenAway: "pass", maxWaitMs: 100 });

const server = createServer(
  protect.node(async (request, response) => {
    // As work that takes a moment.
    const ms = Number(new URL(request.url ?? "/", "http://server").searchParams.get("ms") ?? 0);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    response.end(`hello from process ${process.pid}\n`);
  }),
);
server.listen(Number(process.env["PORT"]), "127.0.0.1");
