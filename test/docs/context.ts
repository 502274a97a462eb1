/** What examples in docstrings take for granted: each name that they use and do not define, with its declaration. */

type Declarations = Readonly<Record<string, string>>;

/** For all docstrings. A declaration may use names of the entries: they are imported as in an example. */
const EVERYWHERE: Declarations = {
  limits: `declare const limits: LimitSet<"tokens" | "connections">;`,
  acquisition: `declare const acquisition: Acquisition<"tokens" | "connections">;`,
  handle: `declare const handle: LimitSetHandle<"tokens" | "connections">;`,
  request: "declare const request: Request;",
  url: "declare const url: URL;",
  callApi: `declare function callApi(options?: { signal?: AbortSignal }): Promise<{ text: string; tokensUsed: number }>;`,
  callModel: "declare function callModel(text: string): Promise<{ text: string; tokens: number }>;",
  fork: `import { fork } from "node:child_process";`,
  parentPort: `import { parentPort as port } from "node:worker_threads";\nconst parentPort = port!;`,
  workerData: `import { workerData } from "node:worker_threads";`,
  worker: "declare const worker: globalThis.Worker;",
  Redis: `import { Redis } from "ioredis";`,
  client: `import { Redis } from "ioredis";\ndeclare const client: Redis;`,
  env: "declare const env: { readonly BUDGET: ObjectNamespace };",
  Budget:
    'declare class Budget extends LimitSetObject {\n  static override limits: readonly [RateLimit<"tokens", "tokens", "user">];\n}',
};

/** In the docstrings of a room, instead. */
const IN_ROOM: Readonly<Record<string, Declarations>> = {
  cloudflare: { limits: `declare const limits: DurableLimits<"tokens" | "connections">;` },
  redis: { limits: `declare const limits: RedisLimitSet<"tokens" | "connections">;` },
};

/** The declaration of `name` in the docstrings of a room of src/; undefined if examples have to define it. */
export function declarationOf(name: string, room: string): string | undefined {
  return Object.entries({ ...EVERYWHERE, ...IN_ROOM[room] }).find(([known]) => known === name)?.[1];
}
