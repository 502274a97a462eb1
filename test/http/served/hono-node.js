// Hono on Node.
import { serve } from "@hono/node-server";
import { capacitiesOf, makeApp, tell } from "./app.js";
import { honoOf } from "./hono.js";
import { modules } from "./modules.js";

const { fetch } = honoOf(makeApp(modules, capacitiesOf(process.argv[2])));
serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => tell(port));
