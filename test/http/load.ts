/** A client that sends many HTTP requests ahead on each of its connections, and one that vanishes. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The text of an HTTP request. */
export function textOf({ method = "GET", path, headers = {}, body }: Sent): string {
  const all = {
    host: "127.0.0.1",
    ...(body !== undefined && { "content-length": `${body.length}` }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`;
}

/** Reads answers from a connection, one after another. */
export class Reader {
  private text = "";
  private failed: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(socket: Socket) {
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      this.text += chunk;
      this.wake?.();
    });
    const end = () => {
      this.failed ??= new Error(`the connection has ended: ${this.text.slice(0, 200)}`);
      this.wake?.();
    };
    socket.on("error", end);
    socket.on("close", end);
  }

  async next(isHead = false): Promise<Answer> {
    for (;;) {
      const answer = this.take(isHead);
      if (answer) return answer;
      await this.more();
    }
  }

  /** Waits until a text has come. */
  async until(text: string | RegExp): Promise<void> {
    while (this.text.search(text) < 0) await this.more();
  }

  private async more(): Promise<void> {
    if (this.failed) throw this.failed;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private take(isHead: boolean): Answer | undefined {
    const end = this.text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const head = this.text.slice(0, end);
    const status = Number(head.slice(9, 12));
    const from = end + 4;
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    if (isHead || status === 204 || status === 304) return this.cut(status, head, from, from);
    if (length) {
      const to = from + Number(length[1]);
      return this.text.length >= to ? this.cut(status, head, from, to) : undefined;
    }
    const to = this.text.indexOf("0\r\n\r\n", from);
    return to < 0 ? undefined : this.cut(status, head, from, to, to + 5);
  }

  private cut(status: number, head: string, from: number, to: number, rest = to): Answer {
    const text = this.text.slice(from, to);
    // Of a body in chunks, those are left out that say the length of the next one.
    const body = rest === to ? text : text.replace(/[\da-f]+\r\n([^\r]*)\r\n/gi, "$1");
    this.text = this.text.slice(rest);
    return { status, head, body };
  }
}

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** How a load is sent: over so many connections, so many ahead on each. */
export interface Course {
  readonly connections: number;
  readonly ahead: number;
}

/** Sends `count` HTTP requests, and hands each answer to `heard`, with the number of its request. */
export async function load(
  port: number,
  count: number,
  { connections, ahead }: Course,
  sentOf: (i: number) => Sent,
  heard: (i: number, answer: Answer) => void,
): Promise<void> {
  let next = 0;
  const one = async () => {
    const socket = await open(port);
    const reader = new Reader(socket);
    try {
      for (;;) {
        const batch: number[] = [];
        while (batch.length < ahead && next < count) batch.push(next++);
        if (batch.length === 0) return;
        socket.write(batch.map((i) => textOf(sentOf(i))).join(""));
        for (const i of batch) heard(i, await reader.next());
      }
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
}
