/** A Worker whose set lies on a server that it reaches over HTTP. */
import { Redis } from "@upstash/redis/cloudflare";
import { RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";

export default {
  async fetch(_: Request, { URL: url, TOKEN: token }: { readonly URL: string; readonly TOKEN: string }) {
    const limits = new RedisLimitSet({
      name: "rest",
      limits: [
        new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 }),
        new ResourceLimit({ key: "db", capacity: 2 }),
      ],
      client: new Redis({ url, token }),
    });
    const { limitedBy } = await limits.tryAcquire({ tokens: 1 });
    const { requested } = await limits.run({ tokens: 20 }, async (acquisition) => {
      acquisition.update({ tokens: 7 });
      return acquisition;
    });
    await limits.close();
    return Response.json([limitedBy, requested.tokens]);
  },
};
