/** What the errors of a client mean: whether waiting helps, and what else would. */
import { BackendRefusedError, BackendUnavailableError, LimitError } from "../errors.ts";
import { commandAt, commands } from "./script/index.ts";

/** Errors of a server that cannot do it now. */
const TRANSIENT =
  /\b(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|UNBLOCKED)\b|max number of clients/;
/** Errors that will be the same the next time. */
const LASTING = /^ERR\b|user_script/;

const LOCKED_OUT = /\b(NOAUTH|WRONGPASS|DENIED)\b|unauthenticated|invalid password/;
const NO_RIGHT = /\bNOPERM\b|The user executing the script/;
const NO_COMMAND = /unknown (redis )?command|command .*not (available|supported|allowed)/i;
const OTHER_TYPE = /\bWRONGTYPE\b/;
/** Of ioredis-mock, which runs scripts by itself. */
const OTHER_LUA = /executing lua code string in VM/;

const REFUSALS = [LOCKED_OUT, NO_RIGHT, NO_COMMAND, OTHER_TYPE, OTHER_LUA];

/** Whether an error is the server's reply, and not that of a connection or a client. */
export function isReply(error: unknown): boolean {
  return /^[A-Z]{2,} /.test(messageOf(error));
}

/** Whether an error will not go away by itself, unlike a lost connection or a busy server. */
export function isLasting(error: unknown): boolean {
  const message = messageOf(error);
  return !TRANSIENT.test(message) && (LASTING.test(message) || isRefusal(error));
}

/** Whether an error says that the server does not let the client in. */
export function isLockedOut(error: unknown): boolean {
  return LOCKED_OUT.test(messageOf(error));
}

/** Whether an error stays until something is allowed or mended. */
export function isRefusal(error: unknown): boolean {
  const message = messageOf(error);
  return !TRANSIENT.test(message) && REFUSALS.some((refusal) => refusal.test(message));
}

/**
 * The error of a request whose batch failed with `cause`, or had no answer within `deadlineMs`. `key` is the key of the set on the
 * server.
 */
export function failureOf(cause: unknown, key: string, deadlineMs: number): LimitError {
  if (cause instanceof LimitError) return cause;
  if (cause === undefined) {
    return new BackendUnavailableError(`the server cannot be reached: no answer within ${deadlineMs} ms`);
  }
  const message = messageOf(cause);
  if (isRefusal(cause)) return refusalOf(cause, key);
  const why = isReply(cause) ? "the server cannot do it" : "the server cannot be reached";
  return new BackendUnavailableError(`${why}: ${message}`, cause);
}

/** The error that says what is refused, and what must be allowed. `asked`: the command, if it is not one of the script. */
export function refusalOf(cause: unknown, key: string, asked?: string): BackendRefusedError {
  const message = messageOf(cause);
  const command = asked ?? commandOf(message);
  return new BackendRefusedError(
    `${command} is refused: ${message}; ${adviceFor(message, command, key)}`,
    cause,
  );
}

function adviceFor(message: string, command: string, key: string): string {
  if (OTHER_LUA.test(message)) {
    return "this client runs scripts by itself, as ioredis-mock does, in a Lua that lacks whole numbers above 2^31: test with a real server, or with a LimitSet in its place";
  }
  if (LOCKED_OUT.test(message)) return "give the client the user and the password that the server knows";
  if (OTHER_TYPE.test(message)) {
    return `the key ${JSON.stringify(key)} must be the set's alone: delete the key, or give the set another name`;
  }
  if (NO_COMMAND.test(message)) return `the server must have the command ${command}`;
  const rights = [...COMMANDS.map((name) => `+${name.toLowerCase()}`), `~${key}`, `&${key}`];
  return `allow ${command} to the client's user; it needs ${rights.join(" ")}`;
}

/** The commands that a set uses: those that run the script, those in the script, and those that hear of releases. */
const COMMANDS = ["EVALSHA", "EVAL", ...commands, "SUBSCRIBE", "UNSUBSCRIBE"];

/** The command that an error is about. */
function commandOf(message: string): string {
  const line = /user_script:(\d+)/.exec(message);
  const inScript = line ? commandAt(Number(line[1])) : undefined;
  const named = /['`"]([a-z|]+)['`"] command|command ['`"]([a-z|]+)['`"]/i.exec(message);
  return inScript ?? (named?.[1] ?? named?.[2] ?? "EVALSHA").toUpperCase();
}

/** The text of an error, with that of the errors behind it where it says nothing itself. */
export function messageOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const { message, code, errors, lastNodeError, cause } = error as Error & {
    readonly code?: unknown;
    readonly errors?: unknown;
    readonly lastNodeError?: unknown;
  };
  const behind = [lastNodeError, ...(Array.isArray(errors) ? errors : []), cause].find(
    (each) => each !== undefined,
  );
  const texts = [message === "" ? String(code ?? error.name) : message];
  if (behind !== undefined && depth < 3) {
    const text = messageOf(behind, depth + 1);
    if (!texts[0]!.includes(text)) texts.push(text);
  }
  return texts.join(": ");
}
