/**
 * Records: the words of tables that a transaction changes. They stand in its block. So they are committed with the block, by one swap of
 * the head, and whoever comes next does them before it goes on: each by a compare-and-swap from what the word had in it before. A word
 * never has the same in it again, since it counts its changes: to do a record once more, or too late, changes nothing.
 *
 * Places come first, slots last: where the last word is done, all are. The record of a slot gives its participant another node to write
 * to, and the place has to have let go of that before.
 */
import { unchanged } from "../head";
import { COMMONS, RECORDS } from "../layout";
import { RECORD_BYTES_EACH, RECORD_COUNT, RECORD_NEW, RECORD_OLD, RECORD_WORD } from "./layout";

/** Adds a record to a block. */
export function note(region: usize, block: usize, word: usize, old: i64, next: i64): void {
  const count = block + load<i32>(region + COMMONS) + RECORD_COUNT;
  const record = recordAt(region, block, load<i32>(count));
  store<usize>(record + RECORD_WORD, word);
  store<i64>(record + RECORD_OLD, old);
  store<i64>(record + RECORD_NEW, next);
  store<i32>(count, load<i32>(count) + 1);
}

/**
 * Does the records of the block `source`, which `head` names, unless that has been done. `target` is a block of the participant's own. If the
 * head has changed, it may do nothing.
 */
export function finish(region: usize, head: i64, source: usize, target: usize): void {
  const count = atomic.load<i32>(source + load<i32>(region + COMMONS) + RECORD_COUNT);
  if (count === 0) return;
  const last = recordAt(region, source, count - 1);
  const word = load<usize>(last + RECORD_WORD);
  // Torn numbers: the head has changed.
  if (word === 0) return;
  if (atomic.load<i64>(word) !== load<i64>(last + RECORD_OLD)) return;
  // As they stand now they may be torn. So they are copied, and done only if the head shows that they were whole.
  memory.copy(recordAt(region, target, 0), recordAt(region, source, 0), count * RECORD_BYTES_EACH);
  if (unchanged(region, head)) apply(region, target, count);
}

/** Does so many records of a block. */
export function apply(region: usize, block: usize, count: i32): void {
  let record = recordAt(region, block, 0);
  for (const end = record + count * RECORD_BYTES_EACH; record < end; record += RECORD_BYTES_EACH) {
    const old = load<i64>(record + RECORD_OLD);
    atomic.cmpxchg<i64>(load<usize>(record + RECORD_WORD), old, load<i64>(record + RECORD_NEW));
  }
}

/**
 * Does the records of a block that the participant has just published, and takes them out of it: whoever reads the block after that need not
 * look at words which this participant goes on to write.
 */
export function complete(region: usize, block: usize): void {
  const count = block + load<i32>(region + COMMONS) + RECORD_COUNT;
  apply(region, block, load<i32>(count));
  atomic.store<i32>(count, 0);
}

function recordAt(region: usize, block: usize, index: i32): usize {
  return block + load<i32>(region + RECORDS) + index * RECORD_BYTES_EACH;
}
