// Starts a worker in the mode of the first argument and never stops it. With "calling" as the second, a call runs for ever.
import process from "node:process";
import { Crew } from "./crew.js";

const [, , mode, what] = process.argv;
const worker = Crew.options({ mode: /** @type {"thread" | "process"} */ (mode) }).init();
await worker.where();
console.log("ready");
if (what === "calling") worker.sleep(1_000_000);
