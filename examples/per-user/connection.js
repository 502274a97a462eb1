// One connection of the proxy to a thread of the server.
import { once } from "node:events";
import { connect } from "node:net";

/** The answer to an HTTP request: its status, and the keys of the limits that have refused it. @typedef {{ status: number, limitedBy: readonly string[] }} Answer */

export class Connection {
  #text = "";
  /** @type {(() => void) | undefined} */
  #wake;
  #ended = false;
  /** @type {import("node:net").Socket} */
  #socket;

  /** @param {import("node:net").Socket} socket */
  constructor(socket) {
    this.#socket = socket.setEncoding("latin1");
    socket.on("data", (chunk) => {
      this.#text += chunk;
      this.#wake?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** @param {number} port */
  static async open(port) {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Connection(socket);
  }

  /** Sends several HTTP requests at once, and hands on each answer as it comes. @param {string[]} texts @param {(i: number, answer: Answer) => void} heard */
  async send(texts, heard) {
    this.#socket.write(texts.join(""));
    for (let i = 0; i < texts.length; i++) heard(i, await this.#next());
  }

  close() {
    this.#socket.destroy();
  }

  async #next() {
    for (;;) {
      const answer = this.#take();
      if (answer) return answer;
      if (this.#ended) throw new Error("the server has closed the connection");
      await new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
      });
    }
  }

  /** @returns {Answer | undefined} */
  #take() {
    const end = this.#text.indexOf("\r\n\r\n") + 4;
    if (end < 4) return undefined;
    const head = this.#text.slice(0, end);
    const length = /content-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`an answer without a length: ${head}`);
    const to = end + Number(length);
    if (this.#text.length < to) return undefined;
    const body = this.#text.slice(end, to);
    this.#text = this.#text.slice(to);
    const status = Number(head.slice(9, 12));
    return { status, limitedBy: status === 200 ? [] : JSON.parse(body)["violated-policies"] };
  }
}
