// A peer in a process of its own, over a channel that does not tell of its end. It holds, and waits for more, while it is stopped.
import process from "node:process";
import { connectLimits } from "limitset/port";

const send = /** @type {(message: unknown) => void} */ (process.send?.bind(process));
const limits = connectLimits({
  send: (/** @type {unknown} */ message) => send(message),
  receive(listener) {
    process.on("message", listener);
    return () => process.off("message", listener);
  },
});
const mine = await limits.acquire({ db: 1, tokens: 5 });
const waiting = limits.acquire({ db: 1 }).catch((error) => error);
mine.signal.addEventListener("abort", async () => {
  mine.update({ tokens: 1 });
  mine.release();
  mine.release();
  const [{ code }, { code: waiter }] = [mine.signal.reason, await waiting];
  const again = connectLimits(process);
  const { limitedBy } = await again.tryAcquire({ db: 1 });
  console.log(JSON.stringify({ code, waiter, limitedBy }));
  process.exit();
});
await limits.stats();
console.log("holds");
