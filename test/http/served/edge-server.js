// An edge runtime behind a server: `node edge-server.js RUNTIME PROGRAM CAPACITIES`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tell } from "./app.js";

const [runtimePath = "", program = "", capacities] = process.argv.slice(2);
const { EdgeRuntime, runServer } = createRequire(import.meta.url)(runtimePath);
const runtime = new EdgeRuntime({
  initialCode: readFileSync(program, "utf8"),
  extend: (/** @type {object} */ context) => Object.assign(context, { CAPACITIES: capacities }),
});
const { url } = await runServer({ runtime, host: "127.0.0.1" });
tell(Number(new URL(url).port));
