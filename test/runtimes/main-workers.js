// The program for runtimes that run a file.
import { workers } from "./workers.js";

console.log(JSON.stringify(await workers(true)));
