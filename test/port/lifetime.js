// Connects, and with "waiting" as its argument waits for something.
import process from "node:process";
import { connectLimits } from "limitset/port";

const limits = connectLimits(process);
if (process.argv.includes("waiting")) limits.acquire({ db: 1 });
