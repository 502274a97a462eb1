// The clients: a crowd of addresses, each of which comes now and then; users at home; users and addresses that ask far more than they may.

/** @typedef {{ addresses: number, users: number, requests: number, perSecond: number }} Traffic */
/** @typedef {{ ip: number, user: number | undefined }} Client */

const GREEDY = 10;

/**
 * The client of the i-th HTTP request. Of each four, two come from the next addresses of the crowd, one from a user who shares an address
 * with others, and one from a greedy client: a user at ever other addresses, or an address.
 *
 * @param {number} i @param {Traffic} traffic @returns {Client}
 */
export function clientOf(i, { addresses, users }) {
  const crowd = addresses - GREEDY;
  const turn = Math.floor(i / 4);
  const place = i % 4;
  if (place < 2) return { ip: GREEDY + ((2 * turn + place) % crowd), user: undefined };
  if (place === 2) {
    const user = GREEDY + ((turn * 7919) % (users - GREEDY));
    return { ip: GREEDY + ((Math.floor(user / 3) * 31) % crowd), user };
  }
  const greedy = Math.floor(turn / 2) % GREEDY;
  return turn % 2 === 0
    ? { ip: GREEDY + ((turn * 7907) % crowd), user: greedy }
    : { ip: greedy, user: undefined };
}

/** What the proxy sends on: the client's own header, in which it may lie, and behind it the address that the proxy has seen. @param {number} i @param {Client} client */
export function textOf(i, { ip, user }) {
  const address = `10.${(ip >> 16) & 255}.${(ip >> 8) & 255}.${ip & 255}`;
  const userLine = user === undefined ? "" : `x-user: user ${user}\r\n`;
  return `GET / HTTP/1.1\r\nhost: server\r\nx-forwarded-for: 192.0.2.${i % 256}, ${address}\r\n${userLine}\r\n`;
}
