// Does nothing for ever: with "waiting" as its argument one acquire is pending, which is to keep the process alive.
import { LimitSet, ResourceLimit } from "../../dist/index.js";
import { shareLimits } from "../../dist/threads/index.js";

const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
shareLimits(limits);
// Where the collector cannot get at it, for it would give back what is held.
const held = limits.tryAcquire();
Object.assign(globalThis, { held });
const args = globalThis.process.argv.slice(2);
if (args.includes("waiting")) limits.acquire().then(() => {});
console.log(held.successful ? "ready" : "refused");
