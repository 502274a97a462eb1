/** The types of endpoints: the channels of all platforms fit, and so does a small object of your own. */
import type { ChildProcess } from "node:child_process";
import cluster from "node:cluster";
import { type MessagePort as NodePort, type Worker as NodeWorker, parentPort } from "node:worker_threads";
import { CallLimit, LimitSet } from "limitset";
import { connectLimits, type Endpoint, type EndpointLike, serveLimits } from "limitset/port";

declare const child: ChildProcess;
declare const nodeWorker: NodeWorker;
declare const nodePort: NodePort;
declare const worker: Worker;
declare const port: MessagePort;
declare const shared: SharedWorker;
declare const connect: MessageEvent;
declare const socket: WebSocket;

const byHand: Endpoint = {
  send: (message) => socket.send(JSON.stringify(message)),
  receive(listener) {
    const heard = (event: MessageEvent) => listener(JSON.parse(event.data));
    socket.addEventListener("message", heard);
    return () => socket.removeEventListener("message", heard);
  },
  ended: (listener) => socket.addEventListener("close", listener),
};

export const ENDPOINTS: EndpointLike[] = [
  child,
  process,
  cluster.worker!,
  cluster.fork(),
  nodeWorker,
  nodePort,
  parentPort!,
  worker,
  port,
  shared,
  connect,
  byHand,
];

const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })] });
serveLimits(limits, child).stop();

const connected = connectLimits<"call_count" | "tokens">(process);
connected.acquire({ tokens: 5 });
// @ts-expect-error: no such key
connected.acquire({ tokns: 5 });
// @ts-expect-error: not an endpoint, since it cannot receive
serveLimits(limits, { post: () => {} });
