/**
 * AbortSignals among the arguments of a call, by themselves or as `signal` of an options object. Channels do not carry them: they
 * are taken out of the arguments on one side, and others are put in their places on the other.
 */
import type { SignalPlace } from "./rpc.ts";

export interface TakenSignals {
  /** The arguments without the signals. */
  readonly args: readonly unknown[];
  readonly places: readonly SignalPlace[];
  readonly signals: readonly AbortSignal[];
}

/** Takes the signals out of the arguments. */
export function takeSignals(args: readonly unknown[]): TakenSignals {
  const places: SignalPlace[] = [];
  const signals: AbortSignal[] = [];
  const rest = args.map((arg, index) => {
    const isOptions = isPlain(arg) && arg.signal instanceof AbortSignal;
    const signal = isOptions ? arg.signal : arg;
    if (!(signal instanceof AbortSignal)) return arg;
    places.push([index, isOptions]);
    signals.push(signal);
    return isOptions ? { ...arg, signal: undefined } : undefined;
  });
  return { args: rest, places, signals };
}

/** Puts signals into their places among the arguments. */
export function putSignals(
  args: readonly unknown[],
  places: readonly SignalPlace[],
  signals: readonly AbortSignal[],
): unknown[] {
  const whole = [...args];
  for (const [i, [index, isOptions]] of places.entries()) {
    const signal = signals[i];
    whole[index] = isOptions ? { ...(whole[index] as object), signal } : signal;
  }
  return whole;
}

function isPlain(value: unknown): value is { readonly signal?: unknown } {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
