// Connects, and then: nothing; "waiting": waits for something; "listening": listens to the same channel for something else.
import process from "node:process";
import { connectLimits } from "limitset/port";

const limits = connectLimits(process);
const [, , what] = process.argv;
if (what === "waiting") limits.acquire({ db: 1 });
if (what === "listening") {
  await limits.stats();
  process.on("message", (message) => {
    if (message === "end") process.exit(3);
  });
}
