/** The rules of the house: which room may import which. */
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";

/** Path from the root -> text, of every source file. */
export type Sources = ReadonlyMap<string, string>;

const BASE = ["errors", "platform"];
const BRIDGE = [...BASE, "core"];
const LIMITS = [...BRIDGE, "limits"];
const WAITING = [...LIMITS, "contract", "waiting"];
const SET = [...WAITING, "acquisition", "changes", "views", "limit-set"];

/** Each room and the rooms that it may import, itself aside. All rooms may read the layout of memory. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  platform: ["errors"],
  core: BASE,
  limits: BRIDGE,
  contract: ["limits"],
  waiting: [...LIMITS, "contract"],
  acquisition: WAITING,
  changes: [...WAITING, "acquisition"],
  views: [...WAITING, "acquisition", "changes"],
  "limit-set": [...WAITING, "acquisition", "changes", "views"],
  remote: [...WAITING],
  spread: [...BASE, "limits"],
  threads: [...SET, "remote", "spread"],
  port: [...SET, "remote"],
  redis: [...SET, "remote", "spread"],
  cloudflare: [...SET, "remote"],
  worker: [...SET, "remote", "port", "threads"],
  exchange: [...BASE, "contract", "limits"],
  fetch: [...BASE, "contract", "limits", "exchange"],
  llm: [...BASE, "contract", "limits", "exchange", "fetch"],
  http: [...BASE, "contract", "limits", "exchange"],
  testing: BASE,
  index: [...SET],
};

export const LONGEST_FILE = 320;

export function readSources(): Sources {
  const root = new URL("../../", import.meta.url);
  const files = ["src", "assembly"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" }).map(
      (name) => `${folder}/${name}`,
    ),
  );
  const sources = files.filter((file) => file.endsWith(".ts") && !file.includes("/generated/")).sort();
  return new Map(sources.map((file) => [file, readFileSync(new URL(file, root), "utf8")]));
}

/** The text without comments. */
export function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}

/** The files that a file imports, types included. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [...code(text).matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)];
  return specifiers.map(([, specifier]) => {
    const path = posix.join(posix.dirname(file), specifier!);
    return path.endsWith(".ts") || path.endsWith(".wasm") ? path : `${path}.ts`;
  });
}

/** `src/core/region.ts` is in the room `core`, `src/errors.ts` is one of its own. */
function roomOf(file: string): string {
  return file.split("/")[1]!.replace(/\.ts$/, "");
}

/** Imports between rooms of `src` that no rule allows. */
export function breachesIn(sources: Sources): string[] {
  const breaches: string[] = [];
  for (const [file, text] of sources) {
    if (!file.startsWith("src/")) continue;
    const room = roomOf(file);
    for (const imported of importsOf(file, text)) {
      if (imported.includes("/generated/")) continue;
      const other = roomOf(imported);
      const allowed = imported.startsWith("assembly/")
        ? /^assembly\/((partitions\/)?layout|seat)\.ts$/.test(imported)
        : other === room || MAY_IMPORT[room]?.includes(other);
      if (!allowed) breaches.push(`${file} imports ${imported}`);
    }
  }
  return breaches;
}

/** A file that imports itself by way of others, with that way; undefined where there is none. */
export function circleIn(sources: Sources): string | undefined {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): string | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file].join(" -> ");
    if (done.has(file)) return undefined;
    for (const imported of importsOf(file, sources.get(file) ?? "")) {
      const found = visit(imported, [...way, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of sources.keys()) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The files in whose code, comments aside, `pattern` stands. */
export function where(sources: Sources, folder: string, pattern: RegExp): string[] {
  return [...sources].flatMap(([file, text]) =>
    file.startsWith(`${folder}/`) && pattern.test(code(text)) ? [file] : [],
  );
}
