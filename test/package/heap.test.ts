/** The heap that sets take, in the built package: servers have a set for each key of theirs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MOST_BYTES = 1600;
const main = new URL("../../dist/index.js", import.meta.url);

const PROGRAM = `
  import { LimitSet, RateLimit } from ${JSON.stringify(main.href)};
  const COUNT = 20_000;
  const make = () => new LimitSet({ limits: [new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 })] });
  make().close();
  const heap = () => (gc(), process.memoryUsage().heapUsed);
  const sets = new Array(COUNT).fill(undefined);
  const before = heap();
  for (let i = 0; i < COUNT; i++) sets[i] = make();
  const bytes = (heap() - before) / COUNT;
  if (sets.length === COUNT) console.log(bytes);
`;

test(`a set of one limit takes at most ${MOST_BYTES} bytes of heap before its first request`, async () => {
  const options = ["--expose-gc", "--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, options, {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
  });
  expect(Number(stdout)).toBeLessThanOrEqual(MOST_BYTES);
});
