import type { RuledWorld } from './access.ts';
import type { RowChange } from './tell.ts';
import { isSameRow, type Row, type World } from './world.ts';

/** The world after changes; join tables are changed like models, by the whole row. */
export function applyChanges<W extends World>(world: W, changes: readonly RowChange[]): W {
  const rows: Record<string, readonly Row[]> = { ...world.rows };
  for (const { model, before, after } of changes) {
    const others = (rows[model] ?? []).filter((row) => before === null || !isSame(world, model, row, before));
    rows[model] = after === null ? others : [...others, after];
  }
  return { ...world, rows };
}

/** The world together with the rows that changes have deleted: as an old row is judged. */
export function withDeleted(world: RuledWorld, changes: readonly RowChange[]): RuledWorld {
  const rows: Record<string, readonly Row[]> = { ...world.rows };
  for (const { model, before, after } of changes) {
    if (before !== null && after === null) rows[model] = [...(rows[model] ?? []), before];
  }
  return { ...world, rows };
}

function isSame(world: World, model: string, a: Row, b: Row): boolean {
  const shape = world.schema[model] ?? { key: Object.keys(a), columns: {}, relations: {} };
  return isSameRow(shape, a, b);
}
