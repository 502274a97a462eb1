/** The types of workers: methods keep their types, and values that cannot cross threads do not compile. */
import { CallLimit, LimitSet, type Limits, RateLimit, ResourceLimit } from "limitset";
import { type Running, Worker } from "limitset/worker";
import type { Equal, Expect } from "./equality.ts";

interface Tree {
  readonly value: number;
  readonly children: readonly Tree[];
}

class Library extends Worker {
  static override module = import.meta.url;

  constructor(
    private readonly city: string,
    readonly shelves = 3,
  ) {
    super();
  }

  find(
    title: string,
    options?: { readonly signal?: AbortSignal; readonly year?: number },
  ): { title: string; at: Date } {
    return { title: `${title} in ${this.city}, ${options?.year}`, at: new Date() };
  }

  async count(): Promise<number> {
    return this.shelves;
  }

  grow(tree: Tree): Map<string, Tree> {
    return new Map([["", tree]]);
  }

  async first<T>(list: readonly T[]): Promise<T | undefined> {
    return list[0];
  }

  each(visit: (title: string) => void): void {
    visit("");
  }

  reader(): () => string {
    return () => "";
  }

  async *stream(): AsyncGenerator<string> {
    yield "";
  }

  protected sort(): void {}
}

const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
const here = Library.options({ limits }).init("Rome");
const there = Library.options({
  mode: "thread",
  maxWorkers: 4,
  limits: [new CallLimit({ capacity: 1, windowMs: 1 })],
}).init("Rome", 5);
const remote: Limits = limits;
const process = Library.options({ mode: "process", limits: remote }).init("Rome");

export type Kept = [
  Expect<Equal<Parameters<typeof here.find>, Parameters<Library["find"]>>>,
  Expect<Equal<ReturnType<typeof here.find>, Promise<{ title: string; at: Date }>>>,
  Expect<Equal<typeof there.find, typeof here.find>>,
  Expect<Equal<typeof process.count, () => Promise<number>>>,
  Expect<Equal<ReturnType<typeof there.grow>, Promise<Map<string, Tree>>>>,
  Expect<
    Equal<
      keyof typeof here,
      "find" | "count" | "grow" | "first" | "each" | "reader" | "stream" | "stop" | typeof Symbol.asyncDispose
    >
  >,
];

export const number: Promise<number | undefined> = there.first([1, 2]);
export const running: Running<Library, "sync"> = here;

// @ts-expect-error: a constructor needs its arguments
Library.options({ mode: "sync" }).init();
// @ts-expect-error: an argument of the wrong type
Library.options({ mode: "sync" }).init(5);
// @ts-expect-error: misspelt
Library.options({ maxWorker: 4 });
// @ts-expect-error: misspelt
Library.options({ methods: { count: { numRetry: 1 } } });
// @ts-expect-error: misspelt
here.stop({ timeout: 5 });
// @ts-expect-error: no such mode
Library.options({ mode: "fiber" });
// @ts-expect-error: no such method
here.lose("it");
// @ts-expect-error: a protected method
here.sort();
// @ts-expect-error: no such method to retry
Library.options({ methods: { lose: { numRetries: 1 } } });
Library.options({ methods: { count: { numRetries: 1, retryUntil: (count) => count > 3 } } });
Library.options({ retryOn: [TypeError, (error, { attempt }) => attempt < 2 && error instanceof Error] });

// Functions can be passed to a worker in this thread.
here.each((title) => title.length);
here.reader().then((read) => read());
// @ts-expect-error: a function cannot cross
there.each((title: string) => title.length);
// @ts-expect-error: a function cannot come back
process.reader();
// @ts-expect-error: a generator cannot come back
there.stream();

class Listener extends Worker {
  constructor(private readonly listener: () => void) {
    super();
  }

  call(): void {
    this.listener();
  }
}
Listener.options({ mode: "async" }).init(() => {});
// @ts-expect-error: a function cannot cross
Listener.options({ mode: "thread" }).init(() => {});

// A method with type parameters that returns no promise is a promise as well, of what its parameters may be.
class Generic extends Worker {
  same<T>(value: T): T {
    return value;
  }

  longest<T extends { readonly length: number }>(a: T, b: T): T {
    return a.length > b.length ? a : b;
  }

  async later<T>(value: T): Promise<T> {
    return value;
  }

  both(value: string): Promise<string>;
  both(value: number): Promise<number>;
  async both(value: string | number): Promise<string | number> {
    return value;
  }

  either(): string | Promise<number> {
    return "";
  }

  fail(): never {
    throw new Error();
  }
}
const generic = Generic.options({}).init();
const elsewhere = Generic.options({ mode: "thread" }).init();
export const later: Promise<number> = generic.later(5);
export const both: Promise<number> = elsewhere.both(5);
export type Generics = [
  Expect<Equal<typeof generic.same, (value: unknown) => Promise<unknown>>>,
  Expect<Equal<typeof elsewhere.same, (value: unknown) => Promise<unknown>>>,
  Expect<Equal<ReturnType<typeof generic.longest>, Promise<{ readonly length: number }>>>,
  Expect<Equal<typeof generic.later, Generic["later"]>>,
  Expect<Equal<ReturnType<typeof generic.fail>, Promise<never>>>,
  Expect<Equal<ReturnType<typeof generic.either>, Promise<string | number>>>,
];
// @ts-expect-error: it is a promise
export const text: string = generic.same("text");

// A worker can say of which limits its methods take.
class Spender extends Worker<"tokens"> {
  static override module = import.meta.url;

  async spend(): Promise<number> {
    using acquisition = await this.limits.acquire({ tokens: 5 });
    // @ts-expect-error: misspelt
    acquisition.update({ tokns: 5 });
    // @ts-expect-error: misspelt
    await this.limits.acquire({ tokns: 5 });
    return (await this.limits.stats()).tokens.used;
  }
}
const spending = new LimitSet({
  limits: [
    new RateLimit({ key: "tokens", capacity: 5, windowMs: 1 }),
    new CallLimit({ capacity: 1, windowMs: 1 }),
  ],
});
export const spender = Spender.options({ limits: spending, mode: "thread" }).init();
export const spent: Promise<number> = spender.spend();
Spender.options({ limits: [{ type: "rate", key: "tokens", capacity: 5, windowMs: 1 }] });
// @ts-expect-error: the set has no tokens
Spender.options({ limits });
// @ts-expect-error: its keys are not known
Spender.options({ limits: remote });
// A worker that names no keys takes any set, and asks for any.
class Free extends Worker {
  async spend(): Promise<void> {
    await this.limits.acquire({ tokens: 5 });
  }
}
Free.options({ limits });
Free.options({ limits: spending });
