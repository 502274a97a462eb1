/** The REST API of Upstash in front of a real server: commands come as JSON, one of them or a list. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { clientFor, type RedisServer } from "./server.ts";

const TOKEN = "secret";

export interface Rest {
  readonly url: string;
  readonly token: string;
  /** How many commands have come, by name. */
  readonly commands: Map<string, number>;
}

type Reply = { readonly result: unknown } | { readonly error: string };

/** A proxy for one test. */
export async function restFor(server: RedisServer): Promise<Rest> {
  const client = clientFor(server);
  const commands = new Map<string, number>();

  const carryOut = async ([name = "", ...args]: string[], isCoded: boolean): Promise<Reply> => {
    commands.set(name, (commands.get(name) ?? 0) + 1);
    try {
      const result = await client.call(name, ...args);
      return { result: isCoded ? coded(result) : result };
    } catch (error) {
      return { error: (error as Error).message };
    }
  };

  const proxy = createServer(async (request, response) => {
    const isCoded = request.headers["upstash-encoding"] === "base64";
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      answer(401, { error: "WRONGPASS invalid or missing auth token" });
      return;
    }
    const asked = await bodyOf(request);
    if (request.url === "/pipeline") {
      const replies: Reply[] = [];
      for (const command of asked as string[][]) replies.push(await carryOut(command, isCoded));
      answer(200, replies);
      return;
    }
    const reply = await carryOut(asked as string[], isCoded);
    answer("error" in reply ? 400 : 200, reply);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, token: TOKEN, commands };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return JSON.parse(text);
}

/** A result with its texts in base64: `OK` alone stays as it is. */
function coded(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(coded);
  return typeof result === "string" && result !== "OK" ? Buffer.from(result).toString("base64") : result;
}
