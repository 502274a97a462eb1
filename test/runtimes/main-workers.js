// For runtimes that are started with a file.
import { workers } from "./workers.js";

console.log(JSON.stringify(await workers(true)));
