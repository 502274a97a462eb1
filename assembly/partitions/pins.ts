/**
 * Which participants wait for a partition, where threads share it: one bit each in its node. So a partition keeps its place for a waiter in any
 * of them, though it has recovered. The bits change with the state, as all that is in a node. The block says of which participants there may be
 * any: what one has that ends can then be taken back.
 *
 * A participant learns a little later that the set has been redefined. Until then its partitions are still waited for: so these bits go over,
 * to a second row, which counts for as long as the block has a bit for that participant. Once it has followed, it has said anew for which ones it
 * waits, and its bits of that row mean nothing.
 */
import { PARTICIPANTS, RECORDS } from "../layout";
import { PIN_BYTES, PINNING_AT, PINS, WAITED_FOR } from "./layout";

/** The size of a row with one bit for each participant. */
export function pinBytes(participants: i32): i32 {
  return ((participants + 63) >> 6) << 3;
}

/** Where in a block of a region, or of a desk, the bits of the participants are. */
export function pinningIn(region: usize, block: usize): usize {
  return block + load<i32>(region + RECORDS) - 2 * pinBytes(load<i32>(region + PARTICIPANTS));
}

/** Where the second row of these is. */
export function followingIn(region: usize, block: usize): usize {
  return block + load<i32>(region + RECORDS) - pinBytes(load<i32>(region + PARTICIPANTS));
}

/** Whether a row has the bit of a participant. */
export function hasBit(row: usize, participant: i32): bool {
  return ((load<u8>(row + (participant >> 3)) >> (participant & 7)) & 1) !== 0;
}

export function setBit(row: usize, participant: i32, isSet: bool): void {
  const at = row + (participant >> 3);
  const bit = 1 << (participant & 7);
  store<u8>(at, isSet ? load<u8>(at) | bit : load<u8>(at) & ~bit);
}

/** Whether a participant waits for the partition in a node, as it has said since the set was redefined. */
export function isPinned(node: usize, participant: i32): bool {
  return load<u16>(node + WAITED_FOR) !== 0 && hasBit(node + PINS, participant);
}

/** Notes in a node of the participant's own whether it waits for the partition. */
export function pin(per: usize, node: usize, participant: i32, isWaitedFor: bool): void {
  setBit(node + PINS, participant, isWaitedFor);
  setBit(node + PINS + load<i32>(per + PIN_BYTES), participant, false);
  count(per, node);
}

/** Drops from a copy of a node what does not count any more. */
export function reviewPins(per: usize, node: usize): void {
  if (load<u16>(node + WAITED_FOR) === 0) return;
  const bytes = load<i32>(per + PIN_BYTES);
  const following = load<usize>(per + PINNING_AT) + bytes;
  for (let i = 0; i < bytes; i += 8) {
    const bits = node + PINS + bytes + i;
    store<i64>(bits, load<i64>(bits) & load<i64>(following + i));
  }
  count(per, node);
}

/** Passes on to another node, as the second row, what counts in one. */
export function passPins(per: usize, from: usize, into: usize): void {
  const bytes = load<i32>(per + PIN_BYTES);
  for (let i = 0; i < bytes; i += 8) {
    const both = load<i64>(from + PINS + i) | load<i64>(from + PINS + bytes + i);
    store<i64>(into + PINS + i, 0);
    store<i64>(into + PINS + bytes + i, both);
  }
  count(per, into);
}

/** The same, of the bits of the participants, from the present block before to the first one from then on. */
export function passPinning(per: usize, from: usize, into: usize): void {
  const bytes = load<i32>(per + PIN_BYTES);
  for (let i = 0; i < bytes; i += 8) {
    store<i64>(into + bytes + i, load<i64>(from + i) | load<i64>(from + bytes + i));
  }
}

function count(per: usize, node: usize): void {
  let all: i64 = 0;
  const end = node + PINS + 2 * load<i32>(per + PIN_BYTES);
  for (let at = node + PINS; at < end; at += 8) all |= load<i64>(at);
  store<u16>(node + WAITED_FOR, u16(all !== 0));
}
