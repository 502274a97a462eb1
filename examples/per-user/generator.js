// The load generator, in a process of its own: the proxy, and all clients behind it. It keeps books, and reports what was wrong.
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.js";
import { Account } from "./ledger.js";
import { clientOf, textOf } from "./traffic.js";

const AHEAD = 8;
const CONNECTIONS_EACH = 4;

/**
 * @typedef {{ ports: number[], capacities: import("./limits.js").Capacities, traffic: import("./traffic.js").Traffic }} Order
 *
 * @typedef {object} Verdict
 * @property {number} passed
 * @property {{ all: number, per_user: number, per_ip: number }} refused by which limit
 * @property {number} beyond how many have passed that some definition does not permit
 * @property {number} wronged how many were refused by a limit that had room
 * @property {number} strange how many answers had another status
 * @property {number} addresses how many different ones have asked
 * @property {number} seconds
 */

process.once("message", async (order) => {
  const verdict = await run(/** @type {Order} */ (order));
  process.send?.(verdict, () => process.exit());
});

/** @param {Order} order @returns {Promise<Verdict>} */
async function run({ ports, capacities, traffic }) {
  const { windowMs } = capacities;
  const all = new Account("all", capacities.all, windowMs);
  /** @type {Map<number, Account>} */
  const users = new Map();
  /** @type {Map<number, Account>} */
  const addresses = new Map();
  let strange = 0;
  let passed = 0;

  /** @param {number} i @param {number} sent @param {import("./connection.js").Answer} answer */
  const heard = (i, sent, { status, limitedBy }) => {
    if (status === 200) passed++;
    else if (status !== 429) strange++;
    const { ip, user } = clientOf(i, traffic);
    const entry = { sent, heard: performance.now(), limitedBy };
    all.add(entry);
    accountOf(addresses, ip, "per_ip", capacities.ip, windowMs).add(entry);
    if (user !== undefined) accountOf(users, user, "per_user", capacities.user, windowMs).add(entry);
  };

  const start = performance.now();
  let next = 0;
  const sendAll = async (/** @type {Connection} */ connection) => {
    while (next < traffic.requests) {
      const first = next;
      const count = Math.min(AHEAD, traffic.requests - first);
      next += count;
      const early = start + (first / traffic.perSecond) * 1000 - performance.now();
      if (early > 1) await sleep(early);
      const texts = Array.from({ length: count }, (_, i) => textOf(first + i, clientOf(first + i, traffic)));
      const sent = performance.now();
      await connection.send(texts, (i, answer) => heard(first + i, sent, answer));
      if (first % 1000 < AHEAD) process.send?.({ sent: first });
    }
    connection.close();
  };
  const connections = await Promise.all(
    ports.flatMap((port) => Array.from({ length: CONNECTIONS_EACH }, () => Connection.open(port))),
  );
  await Promise.all(connections.map(sendAll));
  const seconds = (performance.now() - start) / 1000;

  const accounts = [all, ...users.values(), ...addresses.values()];
  const sum = (/** @type {Iterable<Account>} */ some, /** @type {(each: Account) => number} */ of) =>
    [...some].reduce((before, each) => before + of(each), 0);
  return {
    passed,
    refused: {
      all: all.refused,
      per_user: sum(users.values(), ({ refused }) => refused),
      per_ip: sum(addresses.values(), ({ refused }) => refused),
    },
    beyond: sum(accounts, (each) => each.beyond()),
    wronged: sum(accounts, (each) => each.wronged()),
    strange,
    addresses: addresses.size,
    seconds,
  };
}

/** @param {Map<number, Account>} accounts @param {number} name @param {string} key @param {number} capacity @param {number} windowMs */
function accountOf(accounts, name, key, capacity, windowMs) {
  let account = accounts.get(name);
  if (!account) {
    account = new Account(key, capacity, windowMs);
    accounts.set(name, account);
  }
  return account;
}
