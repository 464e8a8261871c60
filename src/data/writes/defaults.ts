import { createId } from '@paralleldrive/cuid2';
import { nanoid } from 'nanoid';
import { ulid } from 'ulid';
import { v4, v7 } from 'uuid';
import type { ColumnField, DefaultFunction } from '../model/datamodel.ts';

/** What fills a column that the writer left out: a value of ours, an SQL expression, or nothing, so that the database decides. */
export type Filling = { value: unknown } | { sql: string } | undefined;

/** The filling of a column of a new row. Prisma makes identifiers in the client, so the database has no default for them. */
export function fillingOf(field: ColumnField): Filling {
  if (field.isUpdatedAt) return { sql: 'now()' };
  if (field.default?.kind === 'function') {
    const value = generate(field.default.function);
    if (value !== undefined) return { value };
  }
  return field.isList && !field.default ? { value: [] } : undefined;
}

function generate({ name, args }: DefaultFunction): string | undefined {
  switch (name) {
    case 'uuid':
      return args[0] === 7 ? v7() : v4();
    case 'cuid':
      return args[0] === 2 ? createId() : `c${createId()}`;
    case 'nanoid':
      return nanoid(typeof args[0] === 'number' ? args[0] : 21);
    case 'ulid':
      return ulid();
    default:
      return undefined;
  }
}
