/** Where warnings go if a set has no `onWarning`. */
import type { LimitError } from "../errors.ts";

interface NodeLike {
  emitWarning?(warning: Error): void;
}

/** Reports the first warning of a set in the platform's own way. Later ones would say the same. */
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
