// Connects. With the argument "waiting" it then waits for an acquisition, with "listening" it listens on the same channel for other
// messages, and without an argument it does nothing more.
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
  process.send?.("listening");
}
