/** Every relative link of every page leads to a file that exists, and to a heading that exists in it. */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { anchorsOf, linksOf } from "./links.ts";
import { pages, read, root } from "./pages.ts";

const anchors = new Map<string, Set<string>>();

function anchorsIn(page: string): Set<string> {
  const known = anchors.get(page) ?? anchorsOf(read(page));
  anchors.set(page, known);
  return known;
}

/** What is wrong with a link; undefined if it leads somewhere, or out of the repository by its address. */
function faultOf(page: string, target: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target) || target.startsWith("//")) return undefined;
  const [path = "", anchor] = target.split("#").map(decodeURIComponent);
  const leads = path === "" ? page : normalize(join(dirname(page), path));
  if (leads.startsWith("..") || path.startsWith("/")) return "leads out of the repository";
  if (!existsSync(join(root, leads))) return "there is no such file";
  if (anchor === undefined || !leads.endsWith(".md")) return undefined;
  return anchorsIn(leads).has(anchor) ? undefined : `${leads} has no such heading`;
}

test.each(pages())("every relative link of %s leads to a file and a heading that exist", (page) => {
  const broken = linksOf(read(page)).flatMap(({ target, line }) => {
    const fault = faultOf(page, target);
    return fault === undefined ? [] : [`${page}:${line}: ${target}: ${fault}`];
  });
  expect(broken).toEqual([]);
});

describe("finding links and headings", () => {
  test("links in prose count, links in code do not", () => {
    const markdown = [
      "[a](a.md) and ![b](b.png), [c][c]; [`d`](d.md#e 'no') [d](<d.md> \"title\")",
      "[c]: c.md",
      "`[x](x.md)` ``[y](`y.md)``",
      "```ts",
      "[z](z.md)",
      "```",
      '<img src="f.png">',
    ].join("\n");
    expect(linksOf(markdown).map(({ target, line }) => `${line} ${target}`)).toEqual([
      "1 a.md",
      "1 b.png",
      "1 d.md",
      "2 c.md",
      "7 f.png",
    ]);
  });

  test("headings are called as GitHub calls them, a second one of the same name with a number", () => {
    const headings = [
      "# `using` on Node 20",
      "## A_b: *c* (d)",
      "## [Link](to.md)!",
      "### One",
      "### One",
      "##### \\[dispose\\]()",
    ];
    expect([...anchorsOf(`${headings.join("\n")}\n<a id="here"></a>\n\`\`\`\n# none\n\`\`\``)]).toEqual([
      "using-on-node-20",
      "a_b-c-d",
      "link",
      "one",
      "one-1",
      "dispose",
      "here",
    ]);
  });
});
