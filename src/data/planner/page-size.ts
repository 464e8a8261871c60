import { invalidInput } from '../../errors.ts';
import type { Compiler } from './compiler.ts';
import type { Value } from './value.ts';

/** How many rows or groups are answered, as SQL: what the client says, within its bounds, or what a page has by default. */
export function pageSizeSql(c: Compiler, size: Value): string {
  if (size.now === undefined || size.now === null) return String(c.limits.pageSize);
  const { maxPageSize } = c.limits;
  const check = (value: unknown, path: string) => {
    if (typeof value !== 'number' || value < 0) throw invalidInput(path, 'must not be negative');
    if (value > maxPageSize) throw invalidInput(path, `must be at most ${maxPageSize}`);
    return value;
  };
  check(size.now, size.path);
  return `${c.statement.bind(size, check)}::int`;
}
