/**
 * The blocks of code in a page. A fence says what becomes of its block: `ts` and `js` are compiled, `ts run` is also run,
 * `ts ignore: reason` is left alone. A hidden comment directly before the fence, `<!-- prelude: ... -->`, holds what the
 * block needs and a reader does not.
 */

export interface Block {
  /** Reads on its own: page, heading, number of the block under that heading. */
  readonly title: string;
  readonly page: string;
  readonly purpose: "compile" | "run" | "ignore" | "unknown";
  /** Why it is ignored; what is wrong with a fence that is not known. */
  readonly reason: string;
  readonly prelude: string;
  readonly text: string;
  /** The lines of the page on which the prelude and the text begin, from 1. */
  readonly preludeLine: number;
  readonly line: number;
}

/** Fences whose blocks are not code of ours. */
const OTHER_LANGUAGES = new Set([
  "",
  "diff",
  "html",
  "json",
  "jsonc",
  "lua",
  "mermaid",
  "sh",
  "text",
  "toml",
]);

const FENCE = /^(?<indent> *)(?<marks>`{3,}|~{3,})(?<info>.*)$/;
const HEADING = /^#{1,6} +(?<title>.+?)(?: +#+)?$/;
const PRELUDE = "<!-- prelude:";

/** What a fence says: `ts run` -> run. */
function purposeOf(info: string): Pick<Block, "purpose" | "reason"> | undefined {
  if (OTHER_LANGUAGES.has(info)) return undefined;
  if (/^(?:ts|js)$/.test(info)) return { purpose: "compile", reason: "" };
  if (/^(?:ts|js) run$/.test(info)) return { purpose: "run", reason: "" };
  const reason = /^(?:ts|js) ignore: *(\S.*)$/.exec(info)?.[1];
  if (reason !== undefined) return { purpose: "ignore", reason };
  const wanted = `"ts", "ts run", "ts ignore: reason", the same with js, or one of the languages that are not tested`;
  return { purpose: "unknown", reason: `the fence says "${info}": it may say ${wanted}` };
}

/** The blocks of a page that are code of ours, and those whose fence is mistyped. */
export function blocksOf(page: string, markdown: string): Block[] {
  const lines = markdown.split(/\r?\n/);
  const blocks: Block[] = [];
  let heading = "";
  let nth = 0;
  let prelude = { text: "", line: 0, end: -1 };

  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.trimStart().startsWith(PRELUDE)) {
      const end = lines.findIndex((each, at) => at >= i && each.includes("-->"));
      if (end < 0) throw new Error(`${page}:${i + 1}: the prelude has no end`);
      const text = lines.slice(i, end + 1).join("\n");
      prelude = {
        text: text.slice(text.indexOf(PRELUDE) + PRELUDE.length, text.indexOf("-->")),
        line: i + 1,
        end,
      };
      if (!FENCE.test(lines[end + 1] ?? ""))
        throw new Error(`${page}:${i + 1}: the prelude has no block directly behind it`);
      i = end;
      continue;
    }
    const { title } = HEADING.exec(line)?.groups ?? {};
    if (title !== undefined) {
      heading = title;
      nth = 0;
      continue;
    }
    const { indent = "", marks, info = "" } = FENCE.exec(line)?.groups ?? {};
    if (marks === undefined) continue;
    const closes = new RegExp(`^ *${marks[0]}{${marks.length},} *$`);
    const end = lines.findIndex((each, at) => at > i && closes.test(each));
    if (end < 0) throw new Error(`${page}:${i + 1}: the fence has no end`);
    const purpose = purposeOf(info.trim());
    const belongs = prelude.end === i - 1;
    if (purpose !== undefined) {
      nth++;
      const text = lines
        .slice(i + 1, end)
        .map((each) => each.replace(new RegExp(`^ {0,${indent.length}}`), ""));
      blocks.push({
        title: `${page}, ${heading === "" ? "before the first heading" : `"${heading}"`}: block ${nth}`,
        page,
        ...purpose,
        prelude: belongs ? prelude.text : "",
        preludeLine: belongs ? prelude.line : 0,
        text: text.join("\n"),
        line: i + 2,
      });
    }
    i = end;
  }
  return blocks;
}
