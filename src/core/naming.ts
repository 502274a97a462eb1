/** The part of a region whose transactions take from partitions that a request names. */
import { SETTLE } from "../../assembly/layout.ts";
import type { Answer } from "./answer.ts";
import { Answering } from "./answering.ts";
import { timeOf } from "./front.ts";
import type { Known, Names } from "./names.ts";

export abstract class Naming extends Answering {
  /**
   * Takes as `take` does, in the partition of the only name, whose node is remembered. The answer is FORGOTTEN if it is another by now:
   * then nothing was done.
   */
  takeKnown(
    { node, third, fourth }: Known,
    units: readonly number[],
    first: number,
    end: number,
    now: number,
    action: number,
  ): Answer {
    const front = this.front;
    const f64 = front.f64;
    const at = this.units;
    for (let i = first; i < end; i++) f64[at + i] = units[i]!;
    const { start, scratch, per } = this;
    return front.core.takeKnown(per, start, scratch, now, action, first, end, node, third, fourth) as Answer;
  }

  protected transactPer(
    names: Names,
    action: number,
    now: number,
    since: number,
    first: number,
    end: number,
  ): Answer {
    const { heap, start, scratch, life, shift } = this;
    const { partitions, desk } = this.place;
    if (desk) {
      return this.sharedFront!.within(action, first, end, () => {
        if (action === SETTLE) names.tellGrant(desk);
        else names.tell(desk);
        const time = timeOf(now, shift);
        const answer = heap.core.transactPer(desk.start, start, scratch, life, time, action, since, 0, 0);
        desk.keep();
        return answer as Answer;
      });
    }
    // A view may be older than the limits of its set.
    if (partitions === undefined)
      return this.front.core.transact(start, scratch, life, now, action, since, first, end) as Answer;
    if (action === SETTLE) names.tellGrant(partitions);
    else names.tell(partitions);
    const time = timeOf(now, shift);
    const { core } = heap;
    const per = partitions.start;
    const answer = core.transactPer(per, start, scratch, life, time, action, since, first, end) as Answer;
    return partitions.noted(names.hashes, action, answer);
  }
}
