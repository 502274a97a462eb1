/** Where the core's code comes from. Compiled on first use, synchronously: nobody awaits an initialisation. */
import privateCore from "./generated/private.ts";
import sharedCore from "./generated/shared.ts";

/** What `assembly/index.ts` exports. */
export interface CoreExports {
  stateBytes(kind: number, participants: number): number;
  logBytes(kind: number): number;
  regionBytes(limits: number, states: number, logs: number, participants: number): number;
  format(region: number, limits: number, states: number, logs: number, participants: number): void;
  define(
    region: number,
    index: number,
    kind: number,
    capacity: number,
    ceiling: number,
    window: number,
    state: number,
    log: number,
  ): void;
  scratchOf(region: number, participant: number): number;
  transact(region: number, scratch: number, life: number, ms: number, action: number, since: number): number;
  leave(region: number, scratch: number, participant: number, life: number, since: number): void;
}

const modules: { private?: WebAssembly.Module; shared?: WebAssembly.Module } = {};

/** Runs the core over `memory`. */
export function instantiate(memory: WebAssembly.Memory, shared: boolean): CoreExports {
  const build = shared ? "shared" : "private";
  modules[build] ??= new WebAssembly.Module(decode(shared ? sharedCore : privateCore));
  const { exports } = new WebAssembly.Instance(modules[build], { env: { memory } });
  // A plain copy: engines look names up slowly in the exports object itself.
  return { ...(exports as unknown as CoreExports) };
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
