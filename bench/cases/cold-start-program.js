// One import and one decision, in a process that has done nothing else; prints how long each took.

/** Each entry imports a library, and resolves to a function that makes one decision. @type {Record<string, () => Promise<() => boolean>>} */
const PROGRAMS = {
  limitset: async () => {
    const { LimitSet, RateLimit } = await import("limitset");
    return () => {
      const limit = new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 });
      return new LimitSet({ limits: [limit] }).tryAcquire({ tokens: 1 }).successful;
    };
  },
  limiter: async () => {
    const { TokenBucket } = await import("limiter");
    return () => {
      const bucket = new TokenBucket({ bucketSize: 10, tokensPerInterval: 10, interval: 1000 });
      bucket.content = 10;
      return bucket.tryRemoveTokens(1);
    };
  },
  nothing: async () => {
    await import("./cold-start-floor.js");
    return () => true;
  },
};

const program = PROGRAMS[process.argv[2] ?? ""];
if (!program) throw new Error(`there is no program ${process.argv[2]}`);
const start = performance.now();
const decide = await program();
const imported = performance.now();
if (!decide()) throw new Error("the first decision was no");
const decided = performance.now();
console.log(JSON.stringify([imported - start, decided - imported]));
