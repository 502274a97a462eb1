// Has nothing to do. With the argument "waiting" one acquire is pending, which has to keep the process alive.
import { LimitSet, ResourceLimit } from "../../dist/index.js";
import { shareLimits } from "../../dist/threads/index.js";

const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
shareLimits(limits);
// Kept from the garbage collector, which would give back what is held.
const held = limits.tryAcquire();
Object.assign(globalThis, { held });
const args = globalThis.process.argv.slice(2);
if (args.includes("waiting")) limits.acquire().then(() => {});
console.log(held.successful ? "ready" : "refused");
