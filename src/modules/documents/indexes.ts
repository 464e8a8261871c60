/**
 * The indexes that collections declare. They are of expressions, which Prisma's schema has no words for: its migrations
 * neither make nor see them. One index serves all collections that declare the same way.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Datamodel, modelNamed } from '../../data/model/datamodel.ts';
import { partSql, sortedSql } from '../../data/planner/json-path.ts';
import { identifier, tableRef } from '../../data/planner/statement.ts';
import { StartupError } from '../../errors.ts';
import { openSession, type Queryable, type Session } from '../../platform/db.ts';
import { documentModel, type PathIndex, pathOfIndex } from './collections.ts';

/** What all names of these indexes begin with; others of the table are none of ours. */
const prefix = 'millrace_path_';
/** A table of fewer bytes is indexed at once; a larger one beside reads and writes, which takes two looks at each row. */
const largeTable = 8 * 1024 * 1024;
/** The advisory lock of whoever builds them. */
const buildLock = 7_270_003;

/**
 * Makes the indexes that are missing and drops those that nobody declares any more; one question where nothing is to be done.
 * @param url where a connection of its own is opened to, if there is something to be built
 * @throws StartupError when one cannot be built
 */
export async function installIndexes(
  db: Queryable,
  url: string,
  datamodel: Datamodel,
  indexes: readonly PathIndex[] | undefined,
): Promise<void> {
  if (!indexes) return;
  const { table } = modelNamed(datamodel, documentModel);
  const wanted = new Map(indexes.map(definitionOf));
  const found = await inspect(db, tableRef(table));
  if (isSame(found, wanted)) return;
  await using session = await openSession({ url, statementTimeout: 0 });
  // @NOTE asked again and again, not waited for: who waits in a statement is waited for by an index that is being built.
  while (!(await isLocked(session))) await setTimeout(200);
  const there = await inspect(session, tableRef(table));
  const [size] = await session.query({ text: 'select pg_relation_size($1::regclass)', values: [tableRef(table)] });
  const way = Number(size![0]) < largeTable ? '' : 'concurrently';
  for (const [name, isValid] of there) {
    if (!wanted.has(name) || !isValid)
      await session.script(`drop index ${way} if exists ${identifier(table.schema)}.${identifier(name)}`);
  }
  for (const [name, of] of wanted) {
    if (there.get(name)) continue;
    const create = `create index ${way} if not exists ${identifier(name)} on ${tableRef(table)} ${of}`;
    await session.script(create).catch((error: unknown) => {
      throw new StartupError(
        `an index that app/documents.ts declares cannot be built: ${create}`,
        'a value of more than about 2,700 bytes has no room in one: index a smaller part, or with contains: true; otherwise see the cause',
        { cause: error },
      );
    });
  }
}

/** The name of an index, which tells it from every other one, and what it is of. */
function definitionOf(index: PathIndex): [name: string, of: string] {
  const part = sortedSql(partSql('"data"', pathOfIndex(index)));
  // @NOTE `id` last: a page of a collection in the order of the part comes out of the index as it is.
  const of = 'path' in index ? `using gin ((${part}) jsonb_path_ops)` : `("collection", (${part}), "id")`;
  return [prefix + createHash('sha256').update(of).digest('hex').slice(0, 16), of];
}

/** The indexes of ours that a table has, and whether they were built to their end. */
async function inspect(db: Queryable, table: string): Promise<Map<string, boolean>> {
  const rows = await db.query({
    text: `select c.relname, i.indisvalid from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = $1::regclass and starts_with(c.relname, $2)`,
    values: [table, prefix],
  });
  return new Map(rows as [string, boolean][]);
}

const isSame = (found: ReadonlyMap<string, boolean>, wanted: ReadonlyMap<string, string>): boolean =>
  found.size === wanted.size && [...wanted.keys()].every((name) => found.get(name));

async function isLocked(session: Session): Promise<boolean> {
  const [row] = await session.query({ text: 'select pg_try_advisory_lock($1)', values: [buildLock] });
  return row![0] === true;
}
