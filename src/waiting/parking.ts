/** Where the lines of a crowd stand: each is parked at one limit that refuses its head, and some stand aside while a limit is paused. */
import { Crowd } from "./crowd.ts";
import { Heap } from "./heap.ts";
import { Aside, type Demand, type Line, type Standing } from "./line.ts";

export abstract class Parking<W extends Standing<W>> extends Crowd<W> {
  /** The lines that stand aside: first the one whose pause ends first. */
  protected readonly asides = new Heap<Aside<W>>((a, b) => a.moment < b.moment);

  /** The waiters of a limit may go now. */
  protected abstract disturb(demand: Demand<W>): void;

  /** Parks a line, whose head may be another than before. */
  protected place(line: Line<W>, at: Demand<W>, moment: number): void {
    const { parkedAt } = line;
    if (parkedAt !== at && line.place >= 0) this.unpark(line);
    line.parkedAt = at;
    line.moment = moment;
    line.isBlocked = false;
    line.judgedAt = -1;
    if (line.place < 0) at.parked.add(line);
    else at.parked.moved(line);
    if (at.ward) this.wards.moved(at);
  }

  protected unpark(line: Line<W>): void {
    const from = line.parkedAt!;
    from.parked.remove(line);
    if (from.ward) this.wards.moved(from);
  }

  protected vacate(line: Line<W>): void {
    if (line.parkedAt) this.unpark(line);
    if (line.aside) this.asides.remove(line.aside);
  }

  /** A line waits for the end of a pause of limit `at`. Others may go now. */
  protected stepAside(line: Line<W>, at: number, moment: number): void {
    const { aside } = line;
    if (aside?.at === at) {
      aside.moment = moment;
      this.asides.moved(aside);
      return;
    }
    if (aside) this.asides.remove(aside);
    line.aside = new Aside(line, at, moment);
    this.asides.add(line.aside);
    this.recount(line, at);
    for (const demand of line.demands) this.disturb(demand);
  }

  /** Its waiters count again, where they stood. */
  protected comeBack(aside: Aside<W>): void {
    const { line } = aside;
    this.asides.remove(aside);
    line.aside = undefined;
    this.recount(line, undefined);
  }
}
