// Four processes of one server, and a look at their limits each second:
//   node examples/guard/main.js
//   curl -i -H "x-user: alice" http://127.0.0.1:8080/?ms=500
import { startCluster } from "./cluster.js";

const { limits, port } = await startCluster({
  processes: 4,
  calls: 100,
  slots: 8,
  user: 20,
  ip: 50,
  port: 8080,
});
console.log(
  `http://127.0.0.1:${port}/ is answered by four processes: 100 calls a minute, 20 of a user, 50 of an address, 8 in flight`,
);
setInterval(() => {
  const { calls, in_flight } = limits.stats();
  const { user, ip } = limits.partitions;
  console.log(
    `${calls.available} calls left, ${in_flight.used} in flight, ${limits.waiting} waiting; ${user.count} users, ${ip.count} addresses`,
  );
}, 1000);
