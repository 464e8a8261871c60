import { type ModelViewer, may, mayField, sightOf } from '../../model/access.ts';
import { matches } from '../../model/where.ts';
import type { Row, Sight } from '../../model/world.ts';
import { type Memory, Refusal, rowsOf, shapeIn } from './memory.ts';
import { keyHolder, type Link, type WrittenWorld } from './shape.ts';

/** A mutation under way: whose, and upon what. */
export interface Write {
  memory: Memory;
  viewer: ModelViewer;
}

/** Arguments as a client gives them. */
export type Data = Readonly<Record<string, unknown>>;

/** A row and a relation of it. */
export interface Origin {
  model: string;
  row: Row;
  link: Link;
}

/** Which rows are meant. */
export interface Sought {
  /** A key or a filter, in the client's voice. */
  where?: unknown;
  /** Only those related to a row. */
  of?: Origin;
}

/** The visible rows that are sought. */
export function find({ memory, viewer }: Write, model: string, { where = null, of }: Sought): Row[] {
  const sight = seenBy(memory.world, viewer);
  return sight
    .rowsOf(model)
    .filter(
      (row) =>
        (where === null || matches(sight, model, row, where) === true) &&
        (!of || isRelated({ memory, viewer }, of, row)),
    );
}

const sights = new WeakMap<object, Map<ModelViewer, Sight>>();

/** A viewer's sight of a world, of which a change makes another one. */
export function seenBy(world: WrittenWorld, viewer: ModelViewer): Sight {
  const known = sights.get(world) ?? new Map<ModelViewer, Sight>();
  sights.set(world, known);
  const sight = known.get(viewer) ?? sightOf(world, viewer);
  known.set(viewer, sight);
  return sight;
}

/** Whether a row is at the other end, as far as the viewer may know: a key that is hidden leads nowhere. */
function isRelated({ memory, viewer }: Write, { model, row, link }: Origin, other: Row): boolean {
  const reads = (of: string, at: Row, column: string) => mayField(memory.world, viewer, 'read', of, at, column);
  switch (link.kind) {
    case 'own':
      return row[link.local] === other[link.remote] && reads(model, row, link.local);
    case 'foreign': {
      const holder = keyHolder(memory.world.schema, link);
      return other[holder.local] === row[holder.remote] && reads(link.to, other, holder.local);
    }
    case 'join':
      return rowsOf(memory, link.table).some((j) => j[link.here] === row.id && j[link.there] === other.id);
  }
}

/** The visible rows that are sought, all of which the viewer may change or delete as they are. @throws Refusal */
export function claim(write: Write, action: 'update' | 'delete', model: string, sought: Sought): Row[] {
  const rows = find(write, model, sought);
  for (const row of rows) requireRule(write, action, model, row);
  return rows;
}

/** Whether a rule is closed to the viewer whatever the row. */
export function isClosed({ memory, viewer }: Write, action: 'create' | 'update' | 'delete', model: string): boolean {
  if (viewer.isAdmin) return false;
  const rule = memory.world.rules[model]?.[action] ?? false;
  return (typeof rule === 'function' ? rule(viewer) : rule) === false;
}

/** The one row of these; what is hidden is not there. @throws Refusal */
export function only(rows: readonly Row[], model: string): Row {
  if (!rows[0]) throw new Refusal('NOT_FOUND', `no such ${model}`);
  return rows[0];
}

/** A row that is written, as it is now. @throws Refusal when something below it has deleted it */
export function still(row: Row | undefined, model: string): Row {
  if (!row) throw new Refusal('FORBIDDEN', `the row of ${model} is gone`, true);
  return row;
}

/** @throws Refusal unless the viewer may do this with the row */
export function requireRule(
  { memory, viewer }: Write,
  action: 'create' | 'update' | 'delete',
  model: string,
  row: Row,
): void {
  if (may(memory.world, viewer, action, model, row)) return;
  throw new Refusal('FORBIDDEN', `${action} ${model} ${JSON.stringify(row)}`);
}

/** @throws Refusal unless the viewer may set these columns of the row as it is */
export function requireFields({ memory, viewer }: Write, model: string, row: Row, columns: Iterable<string>): void {
  for (const column of columns) {
    if (mayField(memory.world, viewer, 'write', model, row, column)) continue;
    throw new Refusal('FORBIDDEN', `write ${model}.${column} of ${JSON.stringify(row)}`);
  }
}

/** Keys that were set by themselves lead only to rows that the viewer may see. @throws Refusal */
export function requireVisibleKeys(write: Write, model: string, values: Row, reached: ReadonlySet<string>): void {
  for (const [name, link] of Object.entries(shapeIn(write.memory, model).links)) {
    if (link.kind !== 'own' || reached.has(name) || (values[link.local] ?? null) === null) continue;
    only(
      find(write, link.to, {}).filter((row) => row[link.remote] === values[link.local]),
      link.to,
    );
  }
}
