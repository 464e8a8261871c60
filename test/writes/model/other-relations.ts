import type { Row } from '../../model/world.ts';
import { change, join, type Key, part, Refusal, remove, rowAt, shapeIn } from './memory.ts';
import { createRows, marks, updateRow, updateRows } from './nodes.ts';
import { claim, type Data, find, type Origin, only, requireFields, requireRule, still, type Write } from './rows.ts';
import { keyHolder } from './shape.ts';

/** First what goes, then what changes, then what comes, whatever the client's order. */
const order = [
  'set',
  'disconnect',
  'delete',
  'deleteMany',
  'update',
  'updateMany',
  'upsert',
  'connect',
  'connectOrCreate',
  'create',
  'createMany',
] as const;

const listOf = (value: unknown): Data[] => (Array.isArray(value) ? value : [value]) as Data[];

/** Does what `data` says of relations whose key the row does not hold. */
export function writeOther(write: Write, model: string, key: Key, data: Data): void {
  for (const [name, link] of Object.entries(shapeIn(write.memory, model).links)) {
    const operations = data[name] as Data | undefined;
    if (link.kind === 'own' || !operations) continue;
    for (const operation of order) {
      if (operations[operation] === undefined) continue;
      const of = (): Origin => ({ model, row: still(rowAt(write.memory, model, key), model), link });
      other(write, of, operation, operations[operation]);
    }
  }
}

function other(write: Write, of: () => Origin, operation: (typeof order)[number], given: unknown): void {
  const { memory } = write;
  const { link } = of();
  const { to } = link;
  const isList = link.kind === 'join' || (link.kind === 'foreign' && link.isList);
  const items = listOf(given);
  /** The rows that an item means: the one that it names, or the only one that there is. */
  const meant = (where: unknown) => ({ of: of(), where: isList ? where : null });
  switch (operation) {
    case 'set':
      setRelated(write, of, items);
      return;
    case 'disconnect':
      if (!isList) unlink(write, of(), find(write, to, { of: of() }));
      else for (const where of items) unlink(write, of(), [only(find(write, to, meant(where)), to)]);
      return;
    case 'delete':
      for (const where of items) remove(memory, to, [only(claim(write, 'delete', to, meant(where)), to)]);
      return;
    case 'deleteMany':
      for (const where of items) remove(memory, to, claim(write, 'delete', to, { of: of(), where }));
      return;
    case 'update':
      for (const item of items) {
        const row = only(claim(write, 'update', to, meant(item.where)), to);
        updateRow(write, to, row, isList ? (item.data as Data) : item);
      }
      return;
    case 'updateMany':
      for (const { where, data } of items) {
        updateRows(write, to, claim(write, 'update', to, { of: of(), where }), data as Data);
      }
      return;
    case 'upsert':
      for (const item of items) {
        const [there] = claim(write, 'update', to, meant(item.where));
        if (there) updateRow(write, to, there, item.update as Data);
        else create(write, of, [item.create as Data]);
      }
      return;
    case 'connect':
      for (const where of items) connect(write, of(), where);
      return;
    case 'connectOrCreate':
      for (const item of items) {
        if (find(write, to, { where: item.where }).length > 0) connect(write, of(), item.where as Data);
        else create(write, of, [item.create as Data]);
      }
      return;
    case 'create':
      create(write, of, items);
      return;
    case 'createMany': {
      const { data, skipDuplicates } = given as { data: Data[]; skipDuplicates?: boolean };
      create(write, of, data, skipDuplicates);
      return;
    }
  }
}

function connect(write: Write, { row, link }: Origin, where: Data): void {
  const { to } = link;
  if (link.kind === 'join') {
    join(write.memory, link, row.id, only(find(write, to, { where }), to).id);
    return;
  }
  const holder = keyHolder(write.memory.world.schema, link);
  const other = only(claim(write, 'update', to, { where }), to);
  setKey(write, to, [other], holder.local, row[holder.remote]);
}

function unlink(write: Write, { row, link }: Origin, others: readonly Row[]): void {
  if (link.kind === 'join') {
    for (const other of others) part(write.memory, link, row.id, other.id);
    return;
  }
  const { local } = keyHolder(write.memory.world.schema, link);
  for (const other of others) requireRule(write, 'update', link.to, other);
  if (others.length > 0 && !shapeIn(write.memory, link.to).nullable.has(local)) {
    throw new Refusal('INVALID_INPUT', `${link.to}.${local} must not be null`);
  }
  setKey(write, link.to, others, local, null);
}

/** Rows change their key: they are updated, and held to the rules of that, which was asked of them as they were. */
function setKey(write: Write, model: string, rows: readonly Row[], column: string, value: unknown): void {
  const { memory } = write;
  for (const row of rows) requireFields(write, model, row, [column]);
  const changed = rows.map((row) => change(memory, model, row, { [column]: value, ...marks(write, model, row) }));
  for (const row of changed) {
    requireRule(write, 'update', model, row);
    requireFields(write, model, row, [column]);
  }
}

/** The row is left with these related rows and no others, as far as the viewer sees. */
function setRelated(write: Write, of: () => Origin, wheres: readonly Data[]): void {
  const { to } = of().link;
  const named = wheres.map((where) => ({ where, row: find(write, to, { of: of(), where })[0] }));
  const kept = named.map(({ row }) => row);
  unlink(
    write,
    of(),
    find(write, to, { of: of() }).filter((row) => !kept.includes(row)),
  );
  for (const { where, row } of named) if (!row) connect(write, of(), where);
}

function create(write: Write, of: () => Origin, items: readonly Data[], skipsDuplicates = false): void {
  const { memory } = write;
  const { row, link } = of();
  if (link.kind !== 'foreign') {
    const keys = createRows(
      write,
      link.to,
      items.map((data) => ({ data })),
      skipsDuplicates,
    );
    if (link.kind === 'join') for (const key of keys) join(memory, link, row.id, idOf(write, link.to, key));
    return;
  }
  const holder = keyHolder(memory.world.schema, link);
  const around = { relation: link.inverse, column: holder.local, value: row[holder.remote] };
  createRows(
    write,
    link.to,
    items.map((data) => ({ data, around })),
    skipsDuplicates,
  );
}

function idOf({ memory }: Write, model: string, key: Key): unknown {
  return key[shapeIn(memory, model).key.indexOf('id')];
}
