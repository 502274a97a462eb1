/** The `@example`s of the docstrings in src/, with the imports and declarations that they leave to the reader. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { publicEntries } from "../../scripts/entries.js";
import type { Source } from "./compile.ts";
import { declarationOf } from "./context.ts";
import { root } from "./pages.ts";

export interface Example extends Source {
  /** Whether it needs nothing but the package, and so can be run: no declarations, and no process at the other end. */
  readonly isComplete: boolean;
}

/** All examples, in the order of the files. */
export function examples(): Example[] {
  return filesOf("src").flatMap((path) => examplesOf(path, readFileSync(join(root, path), "utf8")));
}

function filesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .sort();
}

/** The examples in the docstrings of a file. */
export function examplesOf(path: string, text: string): Example[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const found: Example[] = [];
  const visit = (node: ts.Node, owner: string): void => {
    const name = [owner, nameOf(node)].filter((each) => each !== "").join(".");
    let nth = 0;
    for (const tag of ts.getJSDocTags(node)) {
      // A variable's docstring belongs to its statement, and to all that it declares.
      if (tag.tagName.text !== "example" || tag.parent.parent !== node) continue;
      nth++;
      const place = file.getLineAndCharacterOfPosition(tag.tagName.getEnd()).line;
      const code = textOf(text.slice(tag.tagName.getEnd(), tag.getEnd()));
      found.push({
        ...prepare(path, code),
        title: `${path}, ${name}${nth > 1 ? `, example ${nth}` : ""}`,
        page: path,
        line: place + 1,
      });
    }
    ts.forEachChild(node, (child) => visit(child, name));
  };
  visit(file, "");
  return found;
}

function nameOf(node: ts.Node): string {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0]!.name.getText();
  const { name } = node as ts.NamedDeclaration;
  return name !== undefined && ts.isIdentifier(name) && !ts.isVariableDeclaration(node) ? name.text : "";
}

/** The code of an example, without the comment's margin and without a fence. */
function textOf(comment: string): string {
  const lines = comment.replace(/\s*\*\/$/, "").split("\n");
  const code = lines.map((line, i) => (i === 0 ? line.trimStart() : line.replace(/^\s*\* ?/, "")));
  return code
    .map((line) => (line.startsWith("```") ? "" : line))
    .join("\n")
    .trimEnd();
}

/** Adds what the example leaves out. */
function prepare(
  path: string,
  text: string,
): Pick<Example, "prelude" | "preludeLine" | "text" | "isComplete"> {
  const room = /^src\/([^/]+)\//.exec(path)?.[1] ?? "";
  const isOwn = definedIn(text);
  const declarations = usedIn(text)
    .filter((name) => !isOwn.has(name))
    .flatMap((name) => declarationOf(name, room) ?? []);
  const context = declarations.join("\n");
  const defined = definedIn(`${context}\n${text}`);
  const imports = usedIn(`${context}\n${text}`)
    .filter((name) => !defined.has(name))
    .flatMap((name) => importOf(name, room) ?? []);
  return {
    prelude: [...imports, ...declarations].join("\n"),
    preludeLine: 0,
    text,
    isComplete: declarations.length === 0 && !usedIn(text).includes("process"),
  };
}

/** Every identifier in it that refers to something, in order, once. */
function usedIn(text: string): string[] {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isMember(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", text, ts.ScriptTarget.ESNext, true));
  return [...names];
}

/** Whether it is the name of a member: the `b` of `a.b`, of `{ b: 1 }` and of `b() {}`. */
function isMember(name: ts.Identifier): boolean {
  const { parent } = name;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === name;
  return (ts.isPropertyAssignment(parent) || ts.isClassElement(parent)) && parent.name === name;
}

/** The names that it declares or imports. */
function definedIn(text: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isDeclaration =
      ts.isVariableDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isImportSpecifier(node) ||
      ts.isImportClause(node);
    if (isDeclaration && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", text, ts.ScriptTarget.ESNext, true));
  return names;
}

/** The names of each entry; the value says whether it is a type alone. */
const exported = new Map([...publicEntries()].map(([entry, path]) => [entry, exportsOf(path)]));

function exportsOf(path: string): Map<string, boolean> {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ESNext, true);
  return new Map(
    file.statements.flatMap((statement): [string, boolean][] => {
      if (!ts.isExportDeclaration(statement)) return [];
      const { exportClause, isTypeOnly } = statement;
      if (!exportClause || !ts.isNamedExports(exportClause))
        throw new Error(`${path} has to name what it exports`);
      return exportClause.elements.map((each) => [each.name.text, isTypeOnly || each.isTypeOnly]);
    }),
  );
}

/**
 * The import of a name: from the room's own entry, from the main one, or from another. A global of the same name goes
 * before another entry's: a `Worker` is the platform's except in the room of workers.
 */
function importOf(name: string, room: string): string | undefined {
  const others = name in globalThis || name === "Worker" ? [] : exported.keys();
  for (const entry of [`limitset/${room}`, "limitset", ...others]) {
    const isType = exported.get(entry)?.get(name);
    if (isType !== undefined) return `import { ${isType ? "type " : ""}${name} } from "${entry}";`;
  }
  return undefined;
}
