/** A connection to a server that can fail as a network does. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import type { RedisServer } from "./server.ts";

export class Wire {
  readonly #listener: Server;
  readonly #sockets = new Set<Socket>();
  #losesAnswers = false;
  /** The number of batches that have reached the server and whose answers were lost. */
  lost = 0;

  static async to(server: RedisServer): Promise<Wire> {
    const wire = new Wire(server);
    wire.#listener.listen(0, "127.0.0.1");
    await once(wire.#listener, "listening");
    onTestFinished(() => wire.close());
    return wire;
  }

  private constructor(server: RedisServer) {
    this.#listener = createServer((near) => {
      const far = connect(server.port, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on("data", (data) => far.write(data));
      far.on("data", (data) => {
        // The server has run the batch, but its answer does not arrive.
        if (this.#losesAnswers && /ok 1 |^:\d{6}/m.test(String(data))) {
          this.#losesAnswers = false;
          this.lost++;
          near.destroy();
        } else {
          near.write(data);
        }
      });
    });
  }

  /** A client through this wire. */
  client(options: object = {}): Redis {
    const { port } = this.#listener.address() as { port: number };
    const client = new Redis(port, "127.0.0.1", { retryStrategy: () => 10, ...options });
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    return client;
  }

  /** Loses the next answer to a batch that has changed something, and breaks the connection. */
  loseNextAnswer(): void {
    this.#losesAnswers = true;
  }

  close(): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
