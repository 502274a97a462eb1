/** The lock that a peer holds while it lives. If it can be seen from the host, it shows the peer's end better than a heartbeat. */
import { whenLost } from "../platform/locks.ts";
import type { Shared } from "./served.ts";

/** Calls `seen` if the lock can be seen from here, and later `lost`, when the peer has ended. False if no lock can be watched. */
export function watchLock(lock: unknown, shared: Shared, seen: () => void, lost: () => void): boolean {
  if (typeof lock !== "string" || shared.locks >= shared.bounds.maxSessions) return false;
  shared.locks++;
  const ended = () => {
    shared.locks--;
    lost();
  };
  const unseen = () => {
    shared.locks--;
  };
  whenLost(lock, ended).then((isSeen) => (isSeen ? seen() : unseen()), unseen);
  return true;
}
