/** The program of a worker's threads and processes: runs the calls that arrive over the channel to their starter. */
import { runHere } from "./serve-worker.ts";

runHere();
