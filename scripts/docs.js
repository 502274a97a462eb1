// Makes the API reference, docs/reference/, from the docstrings: one page for each public entry. Prints what is
// wrong with them, a public name without a docstring for example, and then fails.
import { fileURLToPath } from "node:url";
import { Application, Comment, CommentTag, Converter, Logger, LogLevel, ReflectionKind } from "typedoc";
import { ModuleRouter } from "typedoc-plugin-markdown";
import ts from "typescript";
import { publicEntries } from "./entries.js";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The kinds of names that need a docstring. The docstring of a function covers its parameters. */
const DOCUMENTED = /** @type {const} */ ([
  "Module",
  "Enum",
  "EnumMember",
  "Variable",
  "Function",
  "Class",
  "Interface",
  "Property",
  "Method",
  "Accessor",
  "TypeAlias",
]);

/** Shapes within conditions of types: no program writes these names. */
const PARTS_OF_CONDITIONS = [
  "limitset/cloudflare.connectDurable.S.__type.limits",
  "limitset/cloudflare.DimensionsOf.__type.limits",
  "limitset/cloudflare.DimensionsOf.__type.per",
  "limitset/cloudflare.KeysOf.__type.key",
  "limitset/cloudflare.KeysOf.__type.limits",
  "limitset/cloudflare.KeysOf.__type.type",
  "limitset/cloudflare.MetricsOf.__type.counts",
  "limitset/cloudflare.MetricsOf.__type.key",
  "limitset/cloudflare.MetricsOf.__type.limits",
  "limitset/cloudflare.MetricsOf.__type.type",
  "limitset/worker.WorkerOptions.limits.__type.limits",
];

/** How the pages look: options of typedoc-plugin-markdown. */
const LOOK = {
  entryFileName: "README",
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  indexFormat: "table",
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeAliasPropertiesFormat: "table",
  propertyMembersFormat: "table",
  typeDeclarationFormat: "table",
  // Docstrings say the defaults; the column would say `undefined` of all fields that a constructor sets.
  tableColumnSettings: { hideDefaults: true },
  pageTitleTemplates: { index: "API reference", module: "{name}" },
};

const ERRORS = "Errors";

const ORDER = [
  ...["Functions", "Classes", "Interfaces", "Type Aliases", "Variables"],
  ...["Constructors", "Properties", "Accessors", "Methods", "*", ERRORS, "References"],
];

/** Parts of the types that say what crosses threads. The docstrings of the whole types describe them. */
const PARTS_OF_TYPES = ["AnyFunction", "Cloned", "BoundToThread", "Plain", "Promised", "NotCloned"];

/** Names the page of `limitset/port` port.md. */
class EntryRouter extends ModuleRouter {
  /** @override @param {import("typedoc").Reflection} reflection */
  getIdealBaseName(reflection) {
    if (!reflection.kindOf(ReflectionKind.Module)) return super.getIdealBaseName(reflection);
    return reflection.name.slice(reflection.name.lastIndexOf("/") + 1);
  }
}

class Collector extends Logger {
  /** @type {string[]} */
  messages = [];

  /** @override @param {string} message @param {LogLevel} level */
  log(message, level) {
    if (level >= LogLevel.Warn) this.messages.push(message);
  }
}

/** The program to document, without the tests: with them it takes three times as long to make. */
function compilation() {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  return ts.parseJsonConfigFileContent({ ...config, include: ["src"] }, ts.sys, root);
}

/**
 * Gives the entries their names, and the errors a group of their own, without constructors: only the library makes them.
 *
 * @param {import("typedoc").ProjectReflection} project
 * @param {readonly string[]} names of the entries, in the order of the modules
 */
function arrange(project, names) {
  for (const [i, entry] of project.getChildrenByKind(ReflectionKind.Module).entries())
    entry.name = names[i] ?? "";
  for (const each of project.getReflectionsByKind(ReflectionKind.Class)) {
    if (!each.isDeclaration() || !isError(each)) continue;
    for (const maker of each.getChildrenByKind(ReflectionKind.Constructor)) project.removeReflection(maker);
    if (each.name !== "LimitError") {
      // Every class has a code. The page of errors lists them.
      for (const code of each.getChildrenByKind(ReflectionKind.Accessor)) project.removeReflection(code);
    }
    each.comment ??= new Comment();
    each.comment.blockTags.push(new CommentTag("@group", [{ kind: "text", text: ERRORS }]));
  }
}

/** @param {import("typedoc").DeclarationReflection} declaration @returns {boolean} */
function isError({ extendedTypes }) {
  const [parent] = extendedTypes ?? [];
  if (parent?.type !== "reference") return false;
  const { name, reflection } = parent;
  return (
    name === "Error" ||
    name === "MarkedError" ||
    (reflection?.isDeclaration() === true && isError(reflection))
  );
}

/**
 * Sorts the names of each entry. (The members of a class or interface stay in the order of the source.)
 *
 * @param {import("typedoc").ProjectReflection} project
 */
function sortNames(project) {
  for (const entry of project.getChildrenByKind(ReflectionKind.Module)) {
    for (const { children } of entry.groups ?? []) children.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/**
 * Makes one list of everything that a function throws, with links to the classes. By default each error has a heading of its
 * own, and its class is left out. Returns what is wrong.
 *
 * @param {import("typedoc").ProjectReflection} project
 * @returns {readonly string[]}
 */
function listErrors(project) {
  /** @type {string[]} */
  const wrong = [];
  const classes = new Map(
    project.getReflectionsByKind(ReflectionKind.Class).map((each) => [each.name, each]),
  );
  for (const reflection of Object.values(project.reflections)) {
    const { comment } = reflection;
    const thrown = comment?.getTags("@throws") ?? [];
    if (comment === undefined || thrown.length === 0) continue;
    const list = new CommentTag("@throws", []);
    for (const { typeAnnotation, content } of thrown) {
      list.content.push({ kind: "text", text: "- " });
      if (typeAnnotation !== undefined) {
        const name = typeAnnotation.slice(1, -1);
        const target = classes.get(name);
        if (target === undefined) {
          wrong.push(`${reflection.getFullName()} has a @throws with ${name}, which no entry exports`);
        } else {
          list.content.push(
            { kind: "inline-tag", tag: "@link", text: name, target },
            { kind: "text", text: " " },
          );
        }
      }
      list.content.push(...content, { kind: "text", text: "\n" });
    }
    const [first] = thrown;
    comment.blockTags = comment.blockTags.flatMap((tag) =>
      tag === first ? [list] : tag.tag === "@throws" ? [] : [tag],
    );
  }
  return wrong;
}

/**
 * Leaves out where each member was inherited from: the class or interface says what it extends.
 *
 * @param {import("typedoc").ProjectReflection} project
 */
function leaveOutOrigins(project) {
  for (const member of Object.values(project.reflections)) {
    Object.assign(member, { inheritedFrom: undefined, overwrites: undefined, implementationOf: undefined });
  }
}

/**
 * Writes the reference into `folder`, in place of what is there. Returns what is wrong with the docstrings.
 *
 * @param {string} folder
 * @returns {Promise<readonly string[]>}
 */
export async function writeReference(folder) {
  const entries = publicEntries();
  const app = await Application.bootstrapWithPlugins(
    {
      name: "limitset",
      entryPoints: [...entries.values()],
      basePath: root,
      out: folder,
      plugin: ["typedoc-plugin-markdown"],
      router: "entry",
      readme: "none",
      logLevel: "Warn",
      disableGit: true,
      disableSources: true,
      excludeExternals: true,
      excludeInternal: true,
      excludePrivate: true,
      // `npm run check` does that.
      skipErrorChecking: true,
      preservedTypeAnnotationTags: ["@throws"],
      intentionallyNotExported: PARTS_OF_TYPES,
      intentionallyNotDocumented: PARTS_OF_CONDITIONS,
      sort: ["source-order"],
      groupOrder: ORDER,
      sortEntryPoints: false,
      validation: { notExported: true, invalidLink: true, rewrittenLink: true, notDocumented: true },
      requiredToBeDocumented: [...DOCUMENTED],
      .../** @type {object} */ (LOOK),
    },
    [],
  );
  const { fileNames, options } = compilation();
  app.options.setCompilerOptions(fileNames, options, undefined);
  app.renderer.defineRouter("entry", EntryRouter);
  const logger = new Collector();
  app.logger = logger;

  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => arrange(project, [...entries.keys()]));
  const project = await app.convert();
  if (project === undefined) return logger.messages;
  app.validate(project);
  const wrong = listErrors(project);
  sortNames(project);
  leaveOutOrigins(project);
  await app.generateOutputs(project);
  return [...logger.messages, ...wrong];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wrong = await writeReference(`${root}docs/reference`);
  for (const message of wrong) console.error(message);
  if (wrong.length > 0) process.exitCode = 1;
}
