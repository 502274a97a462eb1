// Four threads of one server under the load of 200,000 addresses:
//   node examples/per-user/main.js
//   node examples/per-user/main.js --addresses 20000 --threads 2
import process from "node:process";
import { parseArgs } from "node:util";
import { run } from "./run.js";

const { values } = parseArgs({
  options: {
    addresses: { type: "string", default: "200000" },
    threads: { type: "string", default: "4" },
    "per-second": { type: "string", default: "10000" },
  },
});
const addresses = Number(values.addresses);
const traffic = {
  addresses,
  users: 2000,
  requests: 2 * addresses,
  perSecond: Number(values["per-second"]),
};
const capacities = { all: 40_000, user: 20, ip: 10, windowMs: 10_000 };

console.log("    sent   MB   addresses   users");
const verdict = await run(
  { threads: Number(values.threads), capacities, traffic },
  ({ sent, residentMb, addresses, users }) =>
    console.log(
      `${`${sent}`.padStart(8)} ${`${residentMb}`.padStart(4)} ${`${addresses}`.padStart(11)} ${`${users}`.padStart(7)}`,
    ),
);
const { passed, refused, beyond, wronged, strange, seconds } = verdict;
console.log(
  `\n${verdict.addresses} addresses sent ${traffic.requests} HTTP requests in ${seconds.toFixed(1)} s`,
);
console.log(
  `${passed} passed; 429 by the limit of all ${refused.all}, of users ${refused.per_user}, of addresses ${refused.per_ip}`,
);
console.log(
  `passed beyond a limit: ${beyond}; refused though there was room: ${wronged}; other answers: ${strange}`,
);
if (beyond + wronged + strange > 0) process.exitCode = 1;
