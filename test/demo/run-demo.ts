import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const demo = fileURLToPath(new URL("../../examples/llm/demo.js", import.meta.url));

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the demo on the built package, as a user would. */
export function runDemo(...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [demo, ...args], (error, stdout, stderr) => {
      if (error && typeof child.exitCode !== "number") reject(error);
      else resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** The first number after `label` at the start of a line of the table. */
export function figure(stdout: string, label: string): number {
  const text = new RegExp(`^${label}\\s+([\\d,.]+)`, "m").exec(stdout)?.[1];
  if (text === undefined) throw new Error(`no "${label}" in:\n${stdout}`);
  return Number(text.replaceAll(",", ""));
}

/** The share, in percent, of the limit that the table calls binding. */
export function bindingShare(stdout: string): number {
  const text = /([\d.]+) % +binding$/m.exec(stdout)?.[1];
  if (text === undefined) throw new Error(`no binding limit in:\n${stdout}`);
  return Number(text);
}
