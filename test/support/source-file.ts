import path from 'node:path';
import ts from 'typescript';

/** One import of a source file. */
export interface Import {
  /** The path in the repository for a relative one, else the package's name. */
  target: string;
  isRelative: boolean;
  /** Erased before anything runs. */
  typeOnly: boolean;
  /** Nothing is taken from it: it is there for what it does. */
  bare: boolean;
  line: number;
}

/** A source file, read far enough to judge how it is built. */
export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  path: string;
  lines: number;
  tree: ts.SourceFile;
  imports: Import[];
}

/** Parses the text of one file; no other file and no types are looked at. */
export function readSource(file: string, text: string): SourceFile {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const imports: Import[] = [];
  walk(tree, (node) => {
    const found = importOf(node);
    if (!found) return;
    const isRelative = found.specifier.startsWith('.');
    const target = isRelative ? path.posix.join(path.posix.dirname(file), found.specifier) : found.specifier;
    imports.push({ target, isRelative, typeOnly: found.typeOnly, bare: found.bare, line: lineOf(tree, node) });
  });
  return { path: file, lines: text.trimEnd().split('\n').length, tree, imports };
}

/** Calls `visit` for the node and everything in it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** The line of a node, counted from one. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

interface Found {
  specifier: string;
  typeOnly: boolean;
  bare: boolean;
}

function importOf(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.importClause;
    return { specifier: node.moduleSpecifier.text, typeOnly: clause !== undefined && isErased(clause), bare: !clause };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly, bare: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument && ts.isStringLiteral(argument)) return { specifier: argument.text, typeOnly: false, bare: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, typeOnly: true, bare: false };
  }
  return undefined;
}

function isErased(clause: ts.ImportClause): boolean {
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  if (clause.name || !named || !ts.isNamedImports(named) || named.elements.length === 0) return false;
  return named.elements.every((element) => element.isTypeOnly);
}
