/** The links of a page, and the places in it that a link can lead to. */

export interface Link {
  readonly target: string;
  /** From 1. */
  readonly line: number;
}

const FENCE = /^ *(`{3,}|~{3,})/;
const INLINE_CODE = /(`+)(?:[^`]|(?!\1)`)*?\1(?!`)/g;
// Inline, `[text](target "title")`, and defined apart, `[name]: target`.
const INLINE_LINK = /\]\(<?([^)<>\s]+)>?(?:\s+"[^"]*")?\)/g;
const DEFINITION = /^ {0,3}\[[^\]]+\]: *<?([^<>\s]+)>?/;
const ATTRIBUTE = /\b(?:href|src)="([^"]+)"/g;
const ANCHOR = /<a (?:id|name)="([^"]+)"/g;
const HEADING = /^#{1,6} +(.+?)(?: +#+)?$/;

/** The lines of a page outside its blocks of code, with empty ones in place of those. */
function prose(markdown: string): string[] {
  let marks: string | undefined;
  return markdown.split(/\r?\n/).map((line) => {
    const fence = FENCE.exec(line)?.[1];
    if (marks === undefined) {
      marks = fence;
      return fence === undefined ? line : "";
    }
    if (fence?.startsWith(marks)) marks = undefined;
    return "";
  });
}

export function linksOf(markdown: string): Link[] {
  return prose(markdown).flatMap((line, i) => {
    const text = line.replace(INLINE_CODE, "");
    const targets = [...text.matchAll(INLINE_LINK), ...text.matchAll(ATTRIBUTE)].map(([, target]) => target!);
    const defined = DEFINITION.exec(text)?.[1];
    return [...targets, ...(defined === undefined ? [] : [defined])].map((target) => ({
      target,
      line: i + 1,
    }));
  });
}

/** What may stand behind `#`: headings, called as GitHub calls them, and anchors of HTML. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const times = new Map<string, number>();
  for (const line of prose(markdown)) {
    for (const [, id] of line.matchAll(ANCHOR)) anchors.add(id!);
    const heading = HEADING.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    const seen = times.get(slug) ?? 0;
    times.set(slug, seen + 1);
    anchors.add(seen === 0 ? slug : `${slug}-${seen}`);
  }
  return anchors;
}

function slugOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<[^>]*>/g, "");
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}
