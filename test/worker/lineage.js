// Programs that make pools of classes of their own module. The environment names the program and the mode. "loaded" is printed by
// each thread and process.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "limitset/worker";

/** @type {{ MODE?: "thread" | "process", PROGRAM?: string, IS_STARTED?: string }} */
const env = process.env;
const mode = env.MODE ?? "thread";
const program = env.PROGRAM;
/** The program itself says that it is started before its threads and processes get their environment. */
const isProgram = env.IS_STARTED === undefined;
env.IS_STARTED = "yes";
console.log("loaded");

/** @param {Promise<unknown>} call */
const report = async (call) => {
  console.log(await call.catch((error) => `${error.name} ${error.code} ${error.message}`));
};

export class Echo extends Worker {
  /** @override */
  static module = import.meta.url;

  /** @param {string} text */
  echo(text) {
    return text;
  }

  /** @param {number} depth @returns {Promise<number>} */
  async deeper(depth) {
    if (depth === 0) return 0;
    const pool = Echo.options({ mode }).init();
    const below = await pool.deeper(depth - 1);
    await pool.stop();
    return below + 1;
  }
}

export class Breeder extends Worker {
  /** @override */
  static module = import.meta.url;
  /** @type {object} */
  pool = Breeder.options({ mode, maxWorkers: 2 }).init();

  hi() {
    return "hi";
  }
}

export class Helped extends Worker {
  /** @override */
  static module = import.meta.url;
  helper = Echo.options({ mode }).init();

  /** @param {string} text */
  ask(text) {
    return this.helper.echo(text);
  }

  async [Symbol.asyncDispose]() {
    await this.helper.stop();
  }
}

/** @param {number} ms */
async function echoAfter(ms) {
  if (ms > 0) await sleep(ms);
  const pool = Echo.options({ mode, maxWorkers: 4 }).init();
  await report(pool.echo("echoed"));
  await pool.stop();
}

if (program === "top level") await echoAfter(0);
if (program === "a little later") echoAfter(100);
if (isProgram && program === "a constructor") {
  const pool = Breeder.options({ mode: "sync" });
  await report((async () => pool.init().hi())());
  await sleep(1000);
  process.exit();
}
if (isProgram && program === "a call") {
  const pool = Echo.options({ mode }).init();
  await report(pool.deeper(2));
  await pool.stop();
}
if (isProgram && program === "a helper") {
  const pool = Helped.options({ mode }).init();
  await report(pool.ask("helped"));
  await pool.stop();
}
