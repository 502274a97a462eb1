/** Where warnings go if a set has no `onWarning`. */
import type { LimitError } from "../errors.ts";

interface NodeLike {
  emitWarning?(warning: Error): void;
}

/** Reports the first warning of each kind in the platform's own way. Later ones of a set would say the same. */
export function warnOnce(): (warning: LimitError) => void {
  const warned = new Set<string>();
  return (warning) => {
    if (warned.has(warning.code)) return;
    warned.add(warning.code);
    const { process } = globalThis as { process?: NodeLike };
    if (process?.emitWarning) process.emitWarning(warning);
    else console.warn(`${warning.name}: ${warning.message}`);
  };
}
