/**
 * What a write of one row means, with all that stands below it: Prisma's vocabulary, held to the rules at every row.
 *
 * Terms: *own* relations are those whose key the row holds itself; they are done before the row, since their rows must be there.
 * *Other* ones, whose key another row or a join table holds, are done after it.
 */
import type { Row } from '../../model/world.ts';
import { change, insert, isTaken, type Key, keyOf, Refusal, remove, rowAt, shapeIn } from './memory.ts';
import { writeOther } from './other-relations.ts';
import {
  claim,
  type Data,
  find,
  isClosed,
  only,
  requireFields,
  requireRule,
  requireVisibleKeys,
  still,
  type Write,
} from './rows.ts';
import type { Link, WriteRules } from './shape.ts';

/** What a write sets of one row. */
interface Setting {
  values: Record<string, unknown>;
  /** Columns that are reckoned of what they were. */
  reckoned: Record<string, (before: unknown) => unknown>;
  /** Columns that the client set, by themselves or through a relation. */
  written: Set<string>;
  /** Relations whose row was seen, or made, on the way. */
  reached: Set<string>;
}

/** A new row, and what the write around it says of it. */
export interface NewRow {
  data: Data;
  around?: { relation: string; column: string; value: unknown };
}

const reckon: Record<string, (before: unknown, by: unknown) => unknown> = {
  _increment: (before, by) => (before as number) + (by as number),
  _decrement: (before, by) => (before as number) - (by as number),
  _multiply: (before, by) => (before as number) * (by as number),
  _divide: (before, by) => Math.trunc((before as number) / (by as number)) || 0,
  _push: (before, by) => [...((before as unknown[] | null) ?? []), ...(by as unknown[])],
};

function set(setting: Setting, column: string, value: unknown): void {
  if (column in setting.reckoned || (column in setting.values && setting.values[column] !== value)) {
    throw new Refusal('INVALID_INPUT', `${column} is set in two ways`);
  }
  setting.values[column] = value;
  setting.written.add(column);
}

/** Columns, as they are given. */
function settingOf(write: Write, model: string, data: Data): Setting {
  const { columns } = shapeIn(write.memory, model);
  const setting: Setting = { values: {}, reckoned: {}, written: new Set(), reached: new Set() };
  for (const [name, value] of Object.entries(data)) {
    if (name in columns) {
      // A list is never null.
      set(setting, name, columns[name] === 'list' ? (value ?? []) : value);
    } else if (reckon[name]) {
      for (const [column, by] of Object.entries(value as Data)) {
        if (setting.written.has(column)) throw new Refusal('INVALID_INPUT', `${column} is set in two ways`);
        setting.reckoned[column] = (before) => reckon[name]!(before, by);
        setting.written.add(column);
      }
    }
  }
  return setting;
}

/** @returns what is left for when the row is written */
function writeOwn(write: Write, model: string, setting: Setting, data: Data, before?: Row): (() => void)[] {
  const later: (() => void)[] = [];
  for (const [name, link] of Object.entries(shapeIn(write.memory, model).links)) {
    const operations = data[name] as Data | undefined;
    if (link.kind !== 'own' || !operations) continue;
    for (const operation of ['disconnect', 'delete', 'update', 'upsert', 'connect', 'connectOrCreate', 'create']) {
      const given = operations[operation];
      if (given === undefined) continue;
      const left = own(write, model, { name, link, setting, before }, operation, given as Data);
      if (left) later.push(left);
    }
  }
  return later;
}

interface Own {
  name: string;
  link: Extract<Link, { kind: 'own' }>;
  setting: Setting;
  before: Row | undefined;
}

function own(write: Write, model: string, { name, link, setting, before }: Own, operation: string, given: Data) {
  const of = before && {
    model,
    row: still(rowAt(write.memory, model, keyOf(write.memory, model, before)), model),
    link,
  };
  const take = (row: Row) => {
    set(setting, link.local, row[link.remote]);
    setting.reached.add(name);
  };
  const make = (data: Data) => take(rowAt(write.memory, link.to, createRows(write, link.to, [{ data }])[0]!)!);
  switch (operation) {
    case 'create':
      return make(given);
    case 'connect':
      return take(only(find(write, link.to, { where: given }), link.to));
    case 'connectOrCreate': {
      const [there] = find(write, link.to, { where: given.where });
      return there ? take(there) : make(given.create as Data);
    }
    case 'update':
      updateRow(write, link.to, only(claim(write, 'update', link.to, { of }), link.to), given);
      return;
    case 'upsert': {
      const [there] = claim(write, 'update', link.to, { of });
      if (there) updateRow(write, link.to, there, given.update as Data);
      else make(given.create as Data);
      return;
    }
    case 'disconnect':
      return set(setting, link.local, null);
    case 'delete': {
      const there = only(claim(write, 'delete', link.to, { of }), link.to);
      set(setting, link.local, null);
      return () => {
        const now = rowAt(write.memory, link.to, keyOf(write.memory, link.to, there));
        if (now) remove(write.memory, link.to, [now]);
      };
    }
  }
}

/**
 * Makes rows together: what their own keys lead to, then the rows, then what lies below each, then all are judged.
 * @returns the keys of those that were made: duplicates may be left out
 */
export function createRows(write: Write, model: string, items: readonly NewRow[], skipsDuplicates = false): Key[] {
  const { memory } = write;
  if (items.length === 0) return [];
  if (isClosed(write, 'create', model)) throw new Refusal('FORBIDDEN', `create of ${model} is closed`);
  const made: { data: Data; key: Key; written: Set<string> }[] = [];
  const ready = items.map((item) => ({ data: item.data, ...prepare(write, model, item) }));
  for (const { data, row, written } of ready) {
    if (skipsDuplicates && isTaken(memory, model, row)) continue;
    insert(memory, model, row);
    made.push({ data, key: keyOf(memory, model, row), written });
  }
  for (const { data, key } of made) writeOther(write, model, key, data);
  for (const { key, written } of made) {
    const row = still(rowAt(memory, model, key), model);
    requireRule(write, 'create', model, row);
    requireFields(write, model, row, written);
  }
  return made.map(({ key }) => key);
}

function prepare(write: Write, model: string, { data, around }: NewRow): { row: Row; written: Set<string> } {
  const { columns, defaults } = shapeIn(write.memory, model);
  const setting = settingOf(write, model, data);
  if (around) {
    set(setting, around.column, around.value);
    setting.reached.add(around.relation);
  }
  writeOwn(write, model, setting, data);
  requireVisibleKeys(write, model, setting.values, setting.reached);
  const byRule = (write.memory.world.rules[model] as WriteRules | undefined)?.defaults ?? {};
  const row = Object.fromEntries(
    Object.keys(columns).map((name) => {
      const given = byRule[name];
      const filling = (typeof given === 'function' ? given(write.viewer) : given) ?? defaults[name] ?? null;
      return [name, name in setting.values ? setting.values[name] : filling];
    }),
  );
  return { row, written: setting.written };
}

/** Changes a row that was claimed as it was, and all that is said below it; then it is judged as it is now. */
export function updateRow(write: Write, model: string, before: Row, data: Data): Key {
  const setting = settingOf(write, model, data);
  const later = writeOwn(write, model, setting, data, before);
  requireVisibleKeys(write, model, setting.values, setting.reached);
  const key = changeRows(write, model, [before], setting)[0]!;
  for (const finish of later) finish();
  writeOther(write, model, key, data);
  judge(write, model, key, setting.written);
  return key;
}

/** Sets the same columns of rows that were claimed as they were; then all are judged as they are now. */
export function updateRows(write: Write, model: string, rows: readonly Row[], data: Data): Key[] {
  const setting = settingOf(write, model, data);
  if (rows.length === 0) return [];
  requireVisibleKeys(write, model, setting.values, setting.reached);
  const keys = changeRows(write, model, rows, setting);
  for (const key of keys) judge(write, model, key, setting.written);
  return keys;
}

function judge(write: Write, model: string, key: Key, written: ReadonlySet<string>): void {
  const row = still(rowAt(write.memory, model, key), model);
  requireRule(write, 'update', model, row);
  requireFields(write, model, row, written);
}

function changeRows(write: Write, model: string, rows: readonly Row[], setting: Setting): Key[] {
  const { memory } = write;
  const now = rows.map((row) => still(rowAt(memory, model, keyOf(memory, model, row)), model));
  for (const row of now) requireFields(write, model, row, setting.written);
  return now.map((row) => {
    const reckoned = Object.entries(setting.reckoned).map(([column, of]) => [column, of(row[column])]);
    const values = { ...setting.values, ...Object.fromEntries(reckoned), ...marks(write, model, row) };
    return keyOf(memory, model, change(memory, model, row, values));
  });
}

/** What every change of a row does besides. */
export function marks({ memory }: Write, model: string, row: Row): Row {
  const version = (memory.world.rules[model] as WriteRules | undefined)?.version;
  return version ? { [version]: (row[version] as number) + 1 } : {};
}
