/** The totals of a limit, as a report of the core has them. */
import {
  ABORTED,
  CHARGED,
  COUNT_WORDS,
  GRANTED,
  REFUNDED,
  REFUSED,
  REPORT_AFTER,
  REPORT_WORDS,
  REPORTED_COUNTS,
  REPORTED_FULL,
  TIMED_OUT,
  UNIT_BYTES,
  UNITS,
  WOULD_REFUSE,
} from "../../assembly/layout.ts";

/** A region, after its report. */
interface Reported {
  reportOf(index: number, word: number): number;
}

/** Carries over the COUNTS of a participant to the limits of another region that go on: those with an heir. */
export function carryCounts(
  buffer: ArrayBufferLike,
  scratch: number,
  limits: number,
  next: number,
  heirs: readonly { readonly from: number }[],
): void {
  const words = new BigInt64Array(buffer);
  const countsAt = (address: number, count: number, index: number) =>
    (address + UNITS) / 8 + (REPORT_AFTER + REPORT_WORDS) * count + COUNT_WORDS * index;
  heirs.forEach(({ from }, into) => {
    if (from < 0) return;
    const old = countsAt(scratch, limits, from);
    words.set(words.subarray(old, old + COUNT_WORDS), countsAt(next, heirs.length, into));
  });
}

/** After `report` of the region: the milliseconds until nothing of limit `index` is in use. */
export function fullInOf(region: Reported, index: number): number {
  return region.reportOf(index, REPORTED_FULL);
}

/** After `report` of the region: the totals of limit `index`, in requests and units. */
export function totalsOf(region: Reported, index: number) {
  const ofRecord = (word: number) => region.reportOf(index, (word - GRANTED) / UNIT_BYTES);
  const ofCounts = (word: number) => region.reportOf(index, REPORTED_COUNTS + word);
  return {
    granted: ofRecord(GRANTED),
    refused: ofCounts(REFUSED),
    timedOut: ofCounts(TIMED_OUT),
    aborted: ofCounts(ABORTED),
    refunded: ofRecord(REFUNDED),
    charged: ofRecord(CHARGED),
    wouldRefuse: ofRecord(WOULD_REFUSE),
    fullInMs: fullInOf(region, index),
  };
}
