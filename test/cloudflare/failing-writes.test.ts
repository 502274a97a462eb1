/** An object in whose storage a statement fails, in real workerd: nothing is lost, and nothing half taken. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorkerd, type Workerd } from "../runtimes/workerd.ts";
import { describeWorkerd, newStorage } from "./workerd.ts";

const PROGRAM = fileURLToPath(new URL("./failing-program.ts", import.meta.url));

describeWorkerd("where a statement fails", () => {
  const storage = newStorage();
  let workerd: Workerd;
  beforeAll(async () => {
    workerd = await startWorkerd(PROGRAM, { objects: { FAILING: "Failing" }, storage });
  });
  afterAll(() => workerd?.kill());

  async function ask(path: string, name: string, more = ""): Promise<unknown> {
    const answer = await fetch(`${workerd.url}${path}?name=${name}${more}`);
    return answer.json();
  }

  for (const fail of [1, 2]) {
    it(`statement ${fail} of a take: it is taken once, of all its limits`, async () => {
      const name = `taken ${fail}`;
      expect(await ask("/take", name)).toBe(true);
      expect(await ask("/take", name, `&fail=${fail}`)).toBe(true);
      expect(await ask("/stats", name)).toEqual([
        [2, 1000],
        [2, 100],
        [2, 100],
      ]);
    });
  }

  for (const fail of [1, 2, 60]) {
    it(`statement ${fail} of a redefinition: all partitions go over once, and keep what they have used`, async () => {
      const name = `redefined ${fail}`;
      expect(await ask("/fill", name)).toBe("filled");
      expect(await ask("/take", name)).toBe(true);
      expect(await ask("/redefine", name, `&fail=${fail}`)).toBe("done");
      expect(await ask("/stats", name)).toEqual([
        [51, 2000],
        [1, 200],
        [1, 200],
      ]);
      for (const user of ["user 0", "user 25", "user 49"]) {
        expect(await ask("/user", name, `&user=${user}`)).toEqual([1, 200]);
      }
    });
  }
});
