/** Where warnings go that nobody has asked for. */
import type { LimitError } from "../errors.ts";

interface NodeLike {
  emitWarning?(warning: Error): void;
}

/** The platform's way to warn, for the first warning of a set: the others would say the same. */
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
