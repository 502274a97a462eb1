/**
 * How this program was started, where its threads and processes must not be started alike: Node runs text (of `-e`, or from stdin) by
 * flags that do not fit a file.
 */
import type { ForkOptions } from "node:child_process";

interface ProcessLike {
  readonly execArgv?: readonly string[];
  readonly env?: { readonly NODE_OPTIONS?: string };
  /** The text of `-e`. */
  readonly _eval?: string;
}

const { process = {} } = globalThis as { process?: ProcessLike };

const INPUT_TYPE = /--input-type(=|\s+)\S+/;
/** Flags that ask for text, or that do something else with it. */
const OF_TEXT = /^(-|-e|--eval|-p|-pe|--print|-i|--interactive|-c|--check)$/;

/** Whether Node was told the type of the text that it runs: then it does not load a file as a program. */
export function hasInputType(): boolean {
  return INPUT_TYPE.test([...(process.execArgv ?? []), process.env?.NODE_OPTIONS].join(" "));
}

/** The options by which a process runs a file, where those of this program do not fit. */
export function optionsOfFiles(): ForkOptions {
  const { execArgv = [], env = {}, _eval } = process;
  if (_eval === undefined && !hasInputType()) return {};
  const flags = execArgv.filter((flag, i) => {
    const before = execArgv[i - 1] ?? "";
    const isValue = before === "--input-type" || (OF_TEXT.test(before) && flag === _eval);
    return !(isValue || OF_TEXT.test(flag) || /^--(input-type|eval|print)(=|$)/.test(flag));
  });
  const { NODE_OPTIONS = "" } = env;
  return { execArgv: flags, env: { ...env, NODE_OPTIONS: NODE_OPTIONS.replace(INPUT_TYPE, "") } };
}

/** Whether `module` is the address of a program that came as text, which no thread and no process can load. */
export function isText(module: string): boolean {
  return /\/((\[|%5B)(eval|stdin)\d*(\]|%5D)|\$deno\$(eval|stdin)\.\w+)$/.test(module);
}
