import type { Acquisition, Awaitable } from "../../src/index.ts";

/** `run`, for a set whose releases are promises. */
export async function runRemotely<K extends string, T>(
  acquisition: Acquisition<K>,
  body: (acquisition: Acquisition<K>) => Awaitable<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal?.aborted) {
    // All of it in one turn: calls keep their order.
    const updates = Object.keys(acquisition.requested).map((key) =>
      Promise.resolve(acquisition.update({ [key]: 0 } as never)).catch(() => {}),
    );
    await Promise.all([...updates, acquisition.release()]);
    throw signal.reason;
  }
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
