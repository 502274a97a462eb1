/** Pools in programs that Node gets as text: by `-e`, or from stdin. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { ELSEWHERE } from "./pools.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs Node with `flags`, and `input` on its stdin. Returns what it printed. */
async function run(flags: readonly string[], input = "", env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, flags, { cwd: root, env: { ...process.env, ...env }, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin.end(input);
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return out.trim() || errors;
}

const useOf = (mode: string) => `
  const pool = Crew.options({ mode: "${mode}" }).init();
  console.log(await pool.add(1, 2));
  await pool.stop();
`;
const moduleOf = (mode: string) => `import { Crew } from "./test/worker/crew.js"; ${useOf(mode)}`;
const scriptOf = (mode: string) =>
  `import("./test/worker/crew.js").then(async ({ Crew }) => { ${useOf(mode)} })`;

const TYPE = "--input-type=module";
const STARTS: readonly (readonly [string, (mode: string) => Promise<string>])[] = [
  ["a module by -e", (mode) => run([TYPE, "-e", moduleOf(mode)])],
  [
    "a module by --eval=, among other flags",
    (mode) => run(["--no-warnings", "--input-type", "module", `--eval=${moduleOf(mode)}`]),
  ],
  [
    "a module by -e, its type in NODE_OPTIONS",
    (mode) => run(["-e", moduleOf(mode)], "", { NODE_OPTIONS: TYPE }),
  ],
  ["a module from stdin", (mode) => run([TYPE, "-"], moduleOf(mode))],
  ["a script by -e", (mode) => run(["-e", scriptOf(mode)])],
  ["a script from stdin", (mode) => run([], scriptOf(mode))],
];

test.each(ELSEWHERE.flatMap((mode) => STARTS.map(([how, start]) => [mode, how, start] as const)))(
  "mode %s works in %s",
  { timeout: 60_000 },
  async (mode, _, start) => {
    expect(await start(mode)).toBe("3");
  },
);

test.each(ELSEWHERE)(
  "mode %s: a class that is itself in such a text cannot be loaded again, and the error says so",
  async (mode) => {
    const program = `
    import { Worker } from "limitset/worker";
    export class Adder extends Worker { static module = import.meta.url; }
    try { Adder.options({ mode: "${mode}" }) } catch (error) { console.log(error.name, error.code, error.message) }
  `;
    const message =
      /^InvalidWorkerError ERR_INVALID_WORKER mode "\w+" cannot load the class Adder from "file:.*\[eval1\]", .* a file of its own$/;
    expect(await run([TYPE, "-e", program])).toMatch(message);
    expect(await run([TYPE, "-"], program)).toMatch(message);
  },
);
