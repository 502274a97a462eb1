/** Sends many HTTP requests at once, and prints how they were answered: `node send.js http://127.0.0.1:8787 60`. */
import { pathToFileURL } from "node:url";

/**
 * @param {string} url
 * @param {number} count
 */
export async function send(url, count) {
  const asked = Array.from({ length: count }, async () => (await fetch(`${url}/ask?tokens=150`)).status);
  const statuses = await Promise.all(asked);
  const stats = await (await fetch(`${url}/stats`)).json();
  return { served: statuses.filter((status) => status === 200).length, stats };
}

const [, program, url, count = "60"] = process.argv;
if (program && url && import.meta.url === pathToFileURL(program).href)
  console.log(await send(url, Number(count)));
