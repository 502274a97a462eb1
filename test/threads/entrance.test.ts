/** The entrance of a shared region: its memory is given back only when no thread has come in. */
import { beforeEach, describe, expect, test } from "vitest";
import { Entrance } from "../../src/threads/entrance.ts";

describe("an entrance that is shut for a look", () => {
  let entrance: Entrance;
  let late: Entrance;

  beforeEach(() => {
    const buffer = new SharedArrayBuffer(64);
    entrance = Entrance.found(buffer, 8);
    late = new Entrance(buffer, 8, entrance.serial);
  });

  test("is opened by a thread that enters, and cannot be closed then", () => {
    expect(entrance.shut()).toBe(true);
    expect(late.enter()).toBe(true);
    expect(entrance.close()).toBe(false);
    entrance.open();
    expect(entrance.shut()).toBe(false);
    late.exit();
    expect(entrance.shut()).toBe(true);
  });

  test("is open again if the region stays", () => {
    expect(entrance.shut()).toBe(true);
    entrance.open();
    expect(entrance.close()).toBe(false);
    expect(late.enter()).toBe(true);
  });

  test("lets no thread in once it is closed, nor the threads of an earlier region", () => {
    expect(entrance.shut()).toBe(true);
    expect(entrance.close()).toBe(true);
    expect(late.enter()).toBe(false);
    expect(entrance.shut()).toBe(false);
  });
});
