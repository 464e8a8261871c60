/**
 * Collections of documents: rows of one model, of which each collection has rules, a JSON Schema and indexes of its own.
 * They come out as ordinary rules of that model and a policy for its writes, so that whatever holds for the rows of any
 * model holds for documents, in every channel.
 */
import { segmentsOf } from '../../data/planner/json-path.ts';
import { constant, isRecord } from '../../data/planner/value.ts';
import type { Action, UntypedModelRules, UntypedRule } from '../../data/rules/rule-set.ts';
import { NoVerdict } from '../../data/rules/verdicts.ts';
import type { WritePolicy } from '../../data/writes/policy.ts';
import { StartupError } from '../../errors.ts';
import type { Viewer } from '../../viewer.ts';
import { compileJsonSchema, type Validate } from './json-schema.ts';

/** The model whose rows documents are, and the file that makes it the platform's. */
export const documentModel = 'Document';
/** Where that model stands, in a project that has it. */
export const documentFile = 'prisma/platform/documents.prisma';

/** A way to a part of a document; with `contains`, to a list or an object that is asked what it contains. */
export type PathIndex = readonly string[] | { readonly path: readonly string[]; readonly contains: true };

/** A collection without its types. */
export interface UntypedCollection extends Partial<Record<Action, UntypedRule>> {
  schema?: object;
  indexes?: readonly PathIndex[];
}

/** All collections by their names. */
export type CollectionSet = Readonly<Record<string, UntypedCollection>>;

/** What collections come to. */
export interface Collections {
  rules: UntypedModelRules;
  policy: WritePolicy;
  indexes: readonly PathIndex[];
}

const actions: readonly Action[] = ['read', 'create', 'update', 'delete'];
const settings = new Set<string>([...actions, 'schema', 'indexes']);

/** Makes rules, policy and indexes of collections. @throws StartupError naming everything that is wrong with them */
export function compileCollections(collections: CollectionSet): Collections {
  const problems: string[] = [];
  const schemas = new Map<string, Validate>();
  for (const [name, collection] of Object.entries(collections)) {
    for (const key of Object.keys(collection))
      if (!settings.has(key)) problems.push(`${name}: ${key} is no setting of a collection`);
    for (const index of collection.indexes ?? [])
      if (!isPathIndex(index)) problems.push(`${name}: an index is a list of keys, or { path: […], contains: true }`);
    if (collection.schema === undefined) continue;
    const compiled = compileJsonSchema(collection.schema);
    if (typeof compiled === 'string') problems.push(`${name}: its JSON Schema cannot be used: ${compiled}`);
    else schemas.set(name, compiled);
  }
  if (problems.length > 0) {
    throw new StartupError(
      `app/documents.ts says what cannot be applied:\n${problems.map((p) => `  ${p}`).join('\n')}`,
      'correct app/documents.ts; docs/documents.md tells what a collection may say',
    );
  }
  return {
    rules: Object.fromEntries(actions.map((action) => [action, ruleOf(collections, action)])),
    policy: policyOf(schemas),
    indexes: Object.values(collections).flatMap(({ indexes = [] }) => indexes),
  };
}

/** The rule of the model: of each collection that is open to the viewer, what its own rule says. */
const ruleOf =
  (collections: CollectionSet, action: Action) =>
  (viewer: Viewer): unknown => {
    const open = Object.entries(collections).flatMap(([collection, rules]): object[] => {
      const rule = rules[action];
      const verdict = typeof rule === 'function' ? (rule as (viewer: Viewer) => unknown)(viewer) : rule;
      if (verdict === undefined || verdict === null || verdict === false) return [];
      if (verdict === true) return [{ collection }];
      if (isRecord(verdict)) return [{ AND: [{ collection }, verdict] }];
      if (verdict instanceof Promise) verdict.catch(() => {});
      throw new NoVerdict(`${collection}.${action} returned neither true, false nor a where (is it async?)`);
    });
    // @NOTE one alone is not put into an `OR`, so that what must hold of every row can be seen.
    return open.length > 1 ? { OR: open } : (open[0] ?? false);
  };

const policyOf = (schemas: ReadonlyMap<string, Validate>): WritePolicy => ({
  ours: new Set(['version', 'createdAt', 'updatedAt']),
  lasting: new Set(['collection', 'id']),
  counted: new Set(['version']),
  name: 'id',
  fill: (viewer) => ({ owner: viewer.id ?? null }),
  check(row) {
    const validate = schemas.get(String(row.get('collection')));
    const data = row.get('data');
    return validate && typeof data === 'string' ? validate(data) : [];
  },
});

/** The way of an index. */
export const pathOfIndex = (index: PathIndex): readonly string[] => ('path' in index ? index.path : index);

function isPathIndex(index: unknown): boolean {
  const path = isRecord(index) && index.contains === true ? index.path : index;
  if (!Array.isArray(path) || path.length === 0 || !path.every((key) => typeof key === 'string')) return false;
  try {
    segmentsOf(constant(path));
    return true;
  } catch {
    return false;
  }
}
