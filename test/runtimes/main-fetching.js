// The program for runtimes that run a file.
import * as fetches from "../../dist/fetch/index.js";
import * as sets from "../../dist/index.js";
import * as models from "../../dist/llm/index.js";
import { fetching } from "./fetching.js";

const { Deno, process } = /** @type {{ Deno?: { args: string[] }, process?: { argv: string[] } }} */ (
  /** @type {unknown} */ (globalThis)
);
const url = Deno ? Deno.args.at(-1) : process?.argv.at(-1);
console.log(JSON.stringify(await fetching(url ?? "", { ...sets, ...fetches, ...models })));
