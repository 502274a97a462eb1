/** Runs an example in the oldest Node that is promised, and compares the values that its comments name. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import ts from "typescript";
import type { Source } from "./compile.ts";
import { root } from "./pages.ts";

const TIMEOUT_MS = 20_000;

const COMPARE = `import { compare as $compare } from ${JSON.stringify(new URL("compare.js", import.meta.url).href)};`;

/** A folder in which "limitset" is the built package, and nothing else is installed. */
export async function programFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limitset-examples-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules", "limitset"), "junction");
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  return folder;
}

/** Rejects unless the example runs to its end, and all values are those that its comments name. */
export async function runExample(node: string, folder: string, name: string, source: Source): Promise<void> {
  const text = `${source.prelude}\n${withComparisons(source)}`;
  // The target lowers `using`, which the oldest Node does not have.
  const { code } = await transform(text, { loader: "ts", format: "esm", target: "es2022", sourcemap: false });
  const path = join(folder, name);
  await writeFile(path, `${COMPARE}\n${code}`);
  await promisify(execFile)(node, ["--unhandled-rejections=strict", path], {
    cwd: folder,
    timeout: TIMEOUT_MS,
  });
}

/**
 * The text of an example in which each statement `expression; // literal` compares the two. Other comments are prose.
 */
export function withComparisons({ text, page, line }: Pick<Source, "text" | "page" | "line">): string {
  const file = ts.createSourceFile("example.ts", text, ts.ScriptTarget.ESNext, true);
  const insertions: { at: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const literal = literalAfter(text, node.getEnd());
      if (literal !== undefined) {
        const place = `${page}:${line + file.getLineAndCharacterOfPosition(node.getEnd()).line}`;
        insertions.push({ at: node.expression.getStart(), text: "$compare(" });
        insertions.push({
          at: node.expression.getEnd(),
          text: `, ${literal}, ${JSON.stringify(place)})`,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return insertions
    .sort((a, b) => b.at - a.at)
    .reduce((made, { at, text: inserted }) => made.slice(0, at) + inserted + made.slice(at), text);
}

/** The literal that a comment on the same line consists of; undefined for prose. */
function literalAfter(text: string, end: number): string | undefined {
  const [comment] = ts.getTrailingCommentRanges(text, end) ?? [];
  if (comment?.kind !== ts.SyntaxKind.SingleLineCommentTrivia) return undefined;
  const said = text.slice(comment.pos + 2, comment.end).trim();
  const { parseDiagnostics, statements } = ts.createSourceFile(
    "literal.ts",
    `(${said});`,
    ts.ScriptTarget.ESNext,
    true,
  ) as ts.SourceFile & { parseDiagnostics: readonly unknown[] };
  const [statement, ...others] = statements;
  if (parseDiagnostics.length > 0 || others.length > 0 || !statement) return undefined;
  if (!ts.isExpressionStatement(statement) || !ts.isParenthesizedExpression(statement.expression))
    return undefined;
  return isLiteral(statement.expression.expression) ? said : undefined;
}

const WORDS = new Set(["undefined", "Infinity", "NaN"]);

function isLiteral(node: ts.Expression): boolean {
  if (ts.isPrefixUnaryExpression(node)) return isLiteral(node.operand);
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isLiteral);
  if (ts.isObjectLiteralExpression(node)) {
    return node.properties.every((each) => ts.isPropertyAssignment(each) && isLiteral(each.initializer));
  }
  return (
    ts.isStringLiteral(node) ||
    ts.isNumericLiteral(node) ||
    (ts.isIdentifier(node) && WORDS.has(node.text)) ||
    [ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword, ts.SyntaxKind.NullKeyword].includes(node.kind)
  );
}
