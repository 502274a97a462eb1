// Compiles the core and writes each build as a module that holds its bytes: the same file then works wherever
// JavaScript runs, with no path to resolve and nothing to fetch.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

const generated = new URL("../src/core/generated/", import.meta.url);
await mkdir(generated, { recursive: true });
for (const target of ["private", "shared", "debug"]) {
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", target]);
  if (error) {
    process.stderr.write(`${stderr}\n${error.message}\n`);
    process.exit(1);
  }
  if (target === "debug") continue;
  const bytes = await readFile(new URL(`../build/${target}.wasm`, import.meta.url));
  const text = `// Made by scripts/build-core.js from assembly/.\nexport default "${bytes.toString("base64")}";\n`;
  await writeFile(new URL(`${target}.ts`, generated), text);
}
