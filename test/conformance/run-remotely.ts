import type { Acquisition, Awaitable } from "../../src/index.ts";

/** What `run` does where a release is a promise. */
export async function runRemotely<K extends string, T>(
  acquisition: Acquisition<K>,
  body: (acquisition: Acquisition<K>) => Awaitable<T>,
): Promise<T> {
  let result: T;
  try {
    result = await body(acquisition);
  } catch (error) {
    await Promise.resolve(acquisition.release()).catch(() => {});
    throw error;
  }
  await acquisition.release();
  return result;
}
