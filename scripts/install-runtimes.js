// Installs the programs that the tests use besides Node, where they are missing. Browsers, the model checker and a Redis server come
// from Debian, which needs root. Other runtimes come from the registry, into a folder of their own, so that a plain install is not
// slowed down by them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Command -> Debian package. */
const SYSTEM = {
  spin: "spin",
  cc: "gcc",
  chromium: "chromium",
  "firefox-esr": "firefox-esr",
  "redis-server": "redis-server",
  WebKitWebDriver: "webkit2gtk-driver",
  Xvfb: "xvfb",
  xauth: "xauth",
  "dbus-daemon": "dbus",
};
/** File under node_modules -> package of the registry. The package `node` itself would fetch these by an install script. */
const REGISTRY = {
  ".bin/deno": "deno@^2.9",
  ".bin/bun": "bun@^1.4",
  ".bin/workerd": "workerd@^1.20261117",
  // The oldest that package.json promises, to the last number.
  "node-20.19/bin/node": `node-20.19@npm:node-${process.platform}-${process.arch}@20.19.0`,
  "node-22/bin/node": `node-22@npm:node-${process.platform}-${process.arch}@^22`,
  "node-24/bin/node": `node-24@npm:node-${process.platform}-${process.arch}@^24`,
  // The oldest compiler that README promises, the last with a node10 that is not deprecated, and the native one.
  "typescript-5.0/bin/tsc": "typescript-5.0@npm:typescript@~5.0",
  "typescript-5.9/bin/tsc": "typescript-5.9@npm:typescript@~5.9",
  "typescript-7/bin/tsc": "typescript-7@npm:typescript@^7",
  "jest/bin/jest.js": "jest@^30",
  "ts-jest/cli.js": "ts-jest@^29",
  "jest-environment-jsdom/package.json": "jest-environment-jsdom@^30",
  "edge-runtime/dist/cli/index.js": "edge-runtime@^4",
};

const folder = fileURLToPath(new URL("../.runtimes/", import.meta.url));

/** @param {string} command @param {...string} args */
const run = (command, ...args) => spawnSync(command, args, { stdio: "inherit", cwd: folder }).status === 0;

/** @param {string} command */
const isThere = (command) => spawnSync("which", [command]).status === 0;

mkdirSync(folder, { recursive: true });
if (!existsSync(`${folder}package.json`)) writeFileSync(`${folder}package.json`, '{ "private": true }\n');

const system = Object.entries(SYSTEM).flatMap(([command, name]) => (isThere(command) ? [] : [name]));
const registry = Object.entries(REGISTRY).flatMap(([command, name]) =>
  existsSync(`${folder}node_modules/${command}`) ? [] : [name],
);
const installed =
  (system.length === 0 ||
    run("apt-get", "install", "-y", "--no-install-recommends", ...system) ||
    (run("apt-get", "update") && run("apt-get", "install", "-y", "--no-install-recommends", ...system))) &&
  (registry.length === 0 || run("npm", "install", "--no-audit", "--no-fund", ...registry));
if (!installed) {
  console.error(
    `could not install ${[...system, ...registry].join(", ")}; npm test does without what is missing`,
  );
  process.exitCode = 1;
}
