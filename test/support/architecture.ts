import ts from 'typescript';
import { lineOf, readSource, type SourceFile, walk } from './source-file.ts';

/** Something in the sources that the house does not allow, as `path:line what`. */
export type Violation = string;

/** The rooms of `src/`, from the street to the cellar: each may import itself and what stands after it. */
const rooms = [
  'main',
  'server',
  'schema-upgrade',
  'application',
  'transport',
  'graphql',
  'modules',
  'context',
  'live',
  'log',
  'data',
  'platform',
  'client',
  'viewer',
  'config',
  'errors',
];
const mayImportAll = ['server', 'cli'];
const typesForAll = ['src/graphql/builder.ts', 'src/context.ts', 'src/transport/routes.ts'];
const modules = ['auth', 'files', 'messaging', 'notifications', 'functions', 'analytics', 'admin'];
const maxLines = 400;

/** Judges sources given by path; each path is relative to the repository. */
export function findViolations(texts: ReadonlyMap<string, string>): Violation[] {
  const files = [...texts].map(([path, text]) => readSource(path, text));
  const source = files.filter(({ path }) => /^(src|client)\//.test(path));
  return [
    ...files.flatMap(checkEverywhere),
    ...source.flatMap((file) => [...checkImports(file), ...checkStatements(file), ...checkDocstrings(file)]),
    ...findCycles(source),
  ];
}

/** The room that a file of `src/` belongs to. */
function roomOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '');
}

function checkEverywhere({ path, lines, tree }: SourceFile): Violation[] {
  const found: Violation[] = [];
  if (lines > maxLines) found.push(`${path}:${lines} has more than ${maxLines} lines`);
  if (path.endsWith('/index.ts')) found.push(`${path}:1 is a barrel: import from the file that has it`);
  if (/\/(utils?|helpers?)(\/|\.ts$)/.test(path))
    found.push(`${path}:1 names no subject: utils and helpers hold anything`);
  walk(tree, (node) => {
    const at = () => `${path}:${lineOf(tree, node)}`;
    if (readsEnvironment(node) && path !== 'src/config/env.ts')
      found.push(`${at()} process.env is read in config/env.ts`);
    if (usesConsole(node) && path !== 'src/cli/main.ts' && !path.startsWith('client/'))
      found.push(`${at()} console belongs to cli/main.ts; log instead`);
  });
  return found;
}

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.expression.getText() === 'process' && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) return /^process\[['"]env['"]\]$/.test(node.getText());
  if (ts.isBindingElement(node) && (node.propertyName ?? node.name).getText() === 'env') {
    const declaration = node.parent.parent;
    return ts.isVariableDeclaration(declaration) && declaration.initializer?.getText() === 'process';
  }
  if (ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === 'env') {
    return /^['"](node:)?process['"]$/.test(node.parent.parent.parent.moduleSpecifier.getText());
  }
  return false;
}

function usesConsole(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && node.expression.getText() === 'console';
}

function checkImports({ path, imports }: SourceFile): Violation[] {
  return imports.flatMap(({ target, isRelative, typeOnly, bare, line }) => {
    const problem = bare
      ? 'imports for a side effect: an import does nothing'
      : path.startsWith('client/')
        ? outOfClient(target, isRelative, typeOnly)
        : isRelative && direction(path, target, typeOnly);
    return problem ? [`${path}:${line} ${problem}`] : [];
  });
}

/** What runs in a browser takes along no more than GraphQL's printer. */
function outOfClient(target: string, isRelative: boolean, typeOnly: boolean): string | undefined {
  if (isRelative ? target.startsWith('client/') : typeOnly || target === 'graphql') return undefined;
  return `imports ${target}: the client stands alone`;
}

function direction(from: string, to: string, typeOnly: boolean): string | undefined {
  if (!to.startsWith('src/')) return to.endsWith('.json') ? undefined : `src imports ${to}, which is outside of src`;
  if (to.startsWith('src/generated/') || (typeOnly && typesForAll.includes(to))) return undefined;
  // The context knows the parts of modules as types, and they know it.
  if (typeOnly && from === 'src/context.ts') return undefined;
  const [own, other] = [roomOf(from), roomOf(to)];
  if (own === 'modules' && other === 'modules') return betweenModules(from, to);
  if (own === other || mayImportAll.includes(own)) return undefined;
  if (!rooms.includes(own)) return `${own} is not a room of the house: add it to its order`;
  if (rooms.indexOf(other) > rooms.indexOf(own)) return undefined;
  return `${own} may not import ${other}: imports go ${rooms.join(' → ')}`;
}

function betweenModules(from: string, to: string): string | undefined {
  const [, , own = ''] = from.split('/');
  const [, , other = '', door = ''] = to.split('/');
  if (own === other) return undefined;
  if (!modules.includes(own) || !modules.includes(other))
    return `${own} and ${other}: a module that has no place in the order`;
  if (modules.indexOf(other) > modules.indexOf(own))
    return `the module ${own} may not import ${other}, which stands on it`;
  return /^(service|rules|events)\.ts$/.test(door)
    ? undefined
    : `${own} enters ${other} by ${door}: use service, rules or events`;
}

const connectionRooms = /^src\/platform\/(db\.ts|postgres\/|migrations\/)/;
const entryPoint = /(^src\/main|-main)\.ts$/;
const emptyStores = ['Map', 'Set', 'WeakMap', 'WeakSet', 'EventEmitter', 'LRUCache', 'AsyncLocalStorage'];

function checkStatements({ path, tree, imports }: SourceFile): Violation[] {
  const found: Violation[] = [];
  const say = (node: ts.Node, what: string) => found.push(`${path}:${lineOf(tree, node)} ${what}`);
  for (const statement of tree.statements) {
    if (isDefaultExport(statement)) say(statement, 'exports a default: exports have names');
    if (ts.isExportDeclaration(statement) && !statement.exportClause)
      say(statement, 'exports all of another file: that is a barrel');
    if (ts.isExpressionStatement(statement) && !entryPoint.test(path))
      say(statement, 'does something when it is imported');
    if (ts.isVariableStatement(statement)) for (const problem of checkVariables(statement)) say(statement, problem);
  }
  if (imports.some(({ target, typeOnly }) => target === 'pg' && !typeOnly) && !connectionRooms.test(path)) {
    walk(tree, (node) => {
      if (!ts.isNewExpression(node) || !/^(pg\.)?(Client|Pool)$/.test(node.expression.getText())) return;
      say(node, 'makes a database connection: platform/db.ts does');
    });
  }
  return found;
}

function isDefaultExport(statement: ts.Statement): boolean {
  if (ts.isExportAssignment(statement)) return true;
  if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
    return statement.exportClause.elements.some(({ name }) => name.text === 'default');
  }
  return modifiersOf(statement).includes(ts.SyntaxKind.DefaultKeyword);
}

function checkVariables(statement: ts.VariableStatement): string[] {
  const { flags, declarations } = statement.declarationList;
  if (modifiersOf(statement).includes(ts.SyntaxKind.DeclareKeyword)) return [];
  if (!(flags & ts.NodeFlags.Const)) return ['keeps a variable for all: state belongs to whoever owns it'];
  const stores = declarations.filter(({ initializer }) => initializer && isEmptyStore(initializer));
  return stores.map(({ name }) => `${name.getText()} is a store shared by all: state belongs to whoever owns it`);
}

function isEmptyStore(node: ts.Expression): boolean {
  if (!ts.isNewExpression(node) || !emptyStores.includes(node.expression.getText())) return false;
  return !node.arguments?.length || node.expression.getText() === 'LRUCache';
}

function modifiersOf(node: ts.Node): ts.SyntaxKind[] {
  return (ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : []).map(({ kind }) => kind);
}

function checkDocstrings({ path, tree }: SourceFile): Violation[] {
  const listed = exportedNames(tree);
  const documented = new Set<string>();
  return tree.statements.flatMap((statement) => {
    const names = declaredNames(statement);
    const isExported =
      modifiersOf(statement).includes(ts.SyntaxKind.ExportKeyword) || names.some((name) => listed.has(name));
    if (!isExported || names.length === 0) return [];
    const hasDocstring = ts
      .getJSDocCommentsAndTags(statement)
      .some((doc) => ts.isJSDoc(doc) && doc.comment !== undefined);
    // Of overloads, the first speaks for all.
    if (hasDocstring || names.every((name) => documented.has(name))) {
      for (const name of names) documented.add(name);
      return [];
    }
    return [`${path}:${lineOf(tree, statement)} ${names.join(', ')} has no docstring`];
  });
}

function exportedNames(tree: ts.SourceFile): Set<string> {
  const names = tree.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier || !statement.exportClause) return [];
    if (!ts.isNamedExports(statement.exportClause)) return [];
    return statement.exportClause.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
  });
  return new Set(names);
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
}

/**
 * Folders that import each other in a circle, each circle once; erased imports do not count. Within one folder a circle
 * may stand: functions that call each other may need two files.
 */
function findCycles(files: SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const found: Violation[] = [];
  const visit = (file: SourceFile, trail: string[]) => {
    state.set(file.path, 'open');
    for (const { target, typeOnly } of file.imports) {
      const next = typeOnly ? undefined : byPath.get(target);
      if (!next) continue;
      const path = [...trail, file.path];
      if (state.get(target) === 'open') {
        const circle = [...path.slice(path.indexOf(target)), target];
        const folders = new Set(circle.map((member) => member.slice(0, member.lastIndexOf('/'))));
        if (folders.size > 1) found.push(`${target}:1 is in a circle: ${circle.join(' → ')}`);
      }
      if (!state.has(target)) visit(next, path);
    }
    state.set(file.path, 'done');
  };
  for (const file of files) if (!state.has(file.path)) visit(file, []);
  return found;
}
