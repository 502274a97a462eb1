// The client of the section: a process of its own, so that its work is not measured. It sends ten HTTP requests ahead on each connection.
import { once } from "node:events";
import { connect } from "node:net";

const CONNECTIONS = 8;
const AHEAD = 10;
const REQUEST = "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
const PASSED = "HTTP/1.1 200";

/** @typedef {{ send(count: number): Promise<number> }} Connection */

/** The connections to each port. @type {Map<number, Promise<Connection[]>>} */
const open = new Map();

/** @param {number} port @returns {Promise<Connection>} */
async function connection(port) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.setEncoding("latin1");
  await once(socket, "connect");
  let [left, sent, passed] = [0, 0, 0];
  let rest = "";
  /** @type {((passed: number) => void) | undefined} */
  let done;
  const more = () => {
    const count = Math.min(AHEAD, left);
    left -= count;
    sent = count;
    if (count > 0) socket.write(REQUEST.repeat(count));
    else done?.(passed);
  };
  socket.on("data", (chunk) => {
    const text = rest + chunk;
    const answers = text.split("HTTP/1.1 ");
    // The last one may not be whole. All end with the body.
    const isWhole = text.endsWith("hello") || text.endsWith("}");
    const count = answers.length - 1 - (isWhole ? 0 : 1);
    passed += text.split(PASSED).length - 1;
    rest = "";
    if (!isWhole) {
      rest = `HTTP/1.1 ${answers.at(-1)}`;
      passed -= rest.startsWith(PASSED) ? 1 : 0;
    }
    sent -= count;
    if (sent === 0 && isWhole) more();
  });
  return {
    send(count) {
      [left, passed] = [count, 0];
      return new Promise((resolve) => {
        done = resolve;
        more();
      });
    },
  };
}

process.on("message", async (message) => {
  const { port, n } = /** @type {{ port: number, n: number }} */ (message);
  let connections = open.get(port);
  if (!connections) {
    connections = Promise.all(Array.from({ length: CONNECTIONS }, () => connection(port)));
    open.set(port, connections);
  }
  const all = await connections;
  const counts = all.map((_, i) => Math.floor(n / CONNECTIONS) + (i < n % CONNECTIONS ? 1 : 0));
  const passed = await Promise.all(all.map((each, i) => each.send(counts[i] ?? 0)));
  process.send?.(passed.reduce((sum, each) => sum + each, 0));
});
