/** Compiles examples as their readers would: each a module of its own, against the declarations of the built package. */
import { join } from "node:path";
import ts from "typescript";
import { root } from "./pages.ts";

export interface Source {
  readonly title: string;
  /** The file that the example stands in; for messages. */
  readonly page: string;
  readonly prelude: string;
  readonly preludeLine: number;
  readonly text: string;
  readonly line: number;
}

/** What differs from the settings of the library's own sources. */
const SETTINGS: ts.CompilerOptions = {
  // An example may define what it does not use.
  noUnusedLocals: false,
  noUnusedParameters: false,
  // `process.env.PORT`
  noPropertyAccessFromIndexSignature: false,
  allowJs: false,
  checkJs: false,
};

function settings(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  return { ...ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root).options, ...SETTINGS };
}

const HEADER_END = "\n";

/** All errors of each source, as `page:line: message`. One program for all: the platform's declarations are read once. */
export function compile(sources: readonly Source[]): Map<Source, string[]> {
  const options = settings();
  const host = ts.createCompilerHost(options);
  // In the package's own folder, so that "limitset" is the package itself.
  const names = sources.map((_, i) => join(root, "test", "docs", `example-${i}.ts`).replaceAll("\\", "/"));
  // `export {}` makes a module even of an example without imports.
  const texts = new Map(
    sources.map(({ prelude, text }, i) => [names[i]!, `${prelude}${HEADER_END}${text}\nexport {};\n`]),
  );
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...others) => {
    const text = texts.get(name);
    return text === undefined
      ? getSourceFile(name, version, ...others)
      : ts.createSourceFile(name, text, version, true);
  };
  const program = ts.createProgram(names, options, host);
  const general = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  if (general.length > 0) throw new Error(general.map(({ messageText }) => textOf(messageText)).join("\n"));
  return new Map(sources.map((source, i) => [source, errorsOf(program, names[i]!, source)]));
}

function errorsOf(program: ts.Program, name: string, source: Source): string[] {
  const file = program.getSourceFile(name)!;
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return found.map(({ start = 0, code, messageText }) => {
    const line = file.getLineAndCharacterOfPosition(start).line;
    return `${placeOf(source, line)}: TS${code}: ${textOf(messageText)}`;
  });
}

/** Where line `line` of the compiled text, from 0, stands in its page. */
export function placeOf({ page, prelude, preludeLine, line: first }: Source, line: number): string {
  const header = prelude.split("\n").length;
  return `${page}:${line < header ? preludeLine + line : first + line - header}`;
}

const textOf = (message: string | ts.DiagnosticMessageChain) =>
  ts.flattenDiagnosticMessageText(message, "\n");
