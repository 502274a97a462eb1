import type { Acquisition, Awaitable } from "../../src/index.ts";

/** `run`, for a set whose releases are promises. */
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
