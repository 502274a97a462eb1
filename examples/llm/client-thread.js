// One client on a thread of its own: gets the limits, says when it is ready, is told when to start, tells how it goes.
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { LimitSet } from "limitset";
import { replay, warmUp } from "./replay.js";
import { newTally } from "./tally.js";

const TELL_EVERY_MS = 100;

const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
const { url, requests, connections } = workerData;

const [handle] = await once(port, "message");
const limits = handle && LimitSet.attach(handle);
await warmUp(url, connections);
port.postMessage("ready");

const [startAt] = await once(port, "message");
const tally = newTally();
const tell = () => port.postMessage(tally);
const telling = setInterval(tell, TELL_EVERY_MS);
await replay({ url, requests, startAt, limits, tally });
clearInterval(telling);
tell();
