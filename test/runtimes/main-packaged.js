// The program for runtimes that run a file.
import { readFileSync } from "node:fs";
import { packaged } from "./packaged.js";

const recorded = readFileSync(new URL("decisions.txt", import.meta.url), "utf8");
console.log(JSON.stringify(await packaged(recorded)));
