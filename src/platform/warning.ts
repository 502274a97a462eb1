/** Where warnings go if a set has no `onWarning`. */
import type { LimitError } from "../errors.ts";

interface NodeLike {
  emitWarning?(warning: Error): void;
}

/** Warns in the platform's own way, of the first warning of a set only: later ones would say the same. */
export function warnOnce(): (warning: LimitError) => void {
  let warned = false;
  return (warning) => {
    if (warned) return;
    warned = true;
    const { process } = globalThis as { process?: NodeLike };
    if (process?.emitWarning) process.emitWarning(warning);
    else console.warn(`${warning.name}: ${warning.message}`);
  };
}
