/** Upgrades of Node's server, as to WebSockets: the connection is held until it closes. */
import type { Awaitable } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import type { NodeRequest, UpgradeSocket } from "./native.ts";
import { hasGone, NodeArrival } from "./node.ts";

const REASONS: Readonly<Record<number, string>> = { 429: "Too Many Requests", 503: "Service Unavailable" };

/** Guards a listener of the event `upgrade`. */
export function guardUpgrade<Req extends NodeRequest, Socket extends UpgradeSocket, Head>(
  door: Door,
  listener: (request: Req, socket: Socket, head: Head) => unknown,
): (request: Req, socket: Socket, head: Head) => void {
  return (request, socket, head) => {
    const failed = (error: unknown) => {
      if (hasGone(socket)) return;
      door.options.onWarning(error as LimitError);
      answer(socket, 500, [], undefined);
    };
    const goOn = (outcome: Outcome) => {
      if (outcome === GONE) return;
      if (!outcome.passes) {
        answer(socket, outcome.status, outcome.headings, outcome.body);
        return;
      }
      const { hold } = outcome;
      const end = () => hold?.end({ status: 101, bytes: 0, complete: true });
      if (socket.destroyed) {
        end();
        return;
      }
      if (hold) socket.once("close", end);
      listener(request, socket, head);
    };
    let outcome: Awaitable<Outcome>;
    try {
      outcome = door.admit(new NodeArrival(door.addresses, request, request, socket));
    } catch (error) {
      failed(error);
      return;
    }
    if (isPromise(outcome)) {
      // Until the listener has the connection, nothing else listens to its errors, which would end the process.
      socket.on("error", () => {});
      outcome.then(goOn, failed);
    } else goOn(outcome);
  };
}

/** An answer in place of the upgrade. Node has no response for it. */
function answer(
  socket: UpgradeSocket,
  status: number,
  headings: readonly string[],
  body: string | undefined,
): void {
  const lines = [`HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`, "Connection: close"];
  for (let i = 0; i < headings.length; i += 2) lines.push(`${headings[i]}: ${headings[i + 1]}`);
  const bytes = body === undefined ? 0 : new TextEncoder().encode(body).length;
  lines.push(`Content-Length: ${bytes}`);
  // A client that does not wait for the answer is no error.
  socket.on("error", () => {});
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}
