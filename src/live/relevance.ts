import type { Dependency } from '../data/planner/dependencies.ts';
import type { PlanInput } from '../data/planner/value.ts';
import { type LogEntry, tableKey } from '../log/entry.ts';

/** One table that an answer depends on, with the values of one class. */
export interface Watched {
  columns: ReadonlySet<string>;
  /** By column: the only values of rows that matter. */
  pins: ReadonlyMap<string, readonly string[]>;
}

/** The tables that an answer depends on, by the log's names; a table that is read twice stands there twice. */
export type Watch = ReadonlyMap<string, readonly Watched[]>;

/** Binds what a plan depends on to the values of one class. */
export function watchFor(dependencies: readonly Dependency[], input: PlanInput): Watch {
  const watch = new Map<string, Watched[]>();
  for (const { table, columns, pins } of dependencies) {
    const bound = new Map<string, readonly string[]>();
    for (const pin of pins) {
      const values = pin.values(input);
      // Two pins of one column could both be kept; one is as true.
      if (values && !bound.has(pin.column)) bound.set(pin.column, values);
    }
    const key = tableKey(table);
    watch.set(key, [...(watch.get(key) ?? []), { columns, pins: bound }]);
  }
  return watch;
}

/** Reads the images of entries; each once, however many ask. */
export interface Images {
  of(entry: LogEntry): { old: Image | null; new: Image | null };
}

type Image = Readonly<Record<string, unknown>>;

/** Makes a reader of images. */
export function createImages(): Images {
  const known = new WeakMap<LogEntry, { old: Image | null; new: Image | null }>();
  const parse = (text: string | null) => (text === null ? null : (JSON.parse(text) as Image));
  return {
    of(entry) {
      let images = known.get(entry);
      if (!images) {
        images = { old: parse(entry.old), new: parse(entry.new) };
        known.set(entry, images);
      }
      return images;
    },
  };
}

/** Whether an entry can have changed an answer; says yes where it cannot tell. */
export function isRelevant(watch: Watch, entry: LogEntry, images: Images): boolean {
  const watched = watch.get(entry.table);
  if (!watched) return false;
  if (entry.kind === 'truncate') return true;
  const { old: before, new: after } = images.of(entry);
  return watched.some(({ columns, pins }) => {
    if (before && after && ![...columns].some((column) => differs(before[column], after[column]))) return false;
    return [...pins].every(([column, values]) =>
      [before, after].some((image) => image && isPinned(image[column], values)),
    );
  });
}

const isPinned = (value: unknown, values: readonly string[]): boolean =>
  value !== undefined && values.includes(String(value).toLowerCase());

/** @NOTE a number that JavaScript cannot hold exactly may differ in what it cannot hold. */
function differs(before: unknown, after: unknown): boolean {
  if (typeof before === 'object' || typeof after === 'object') return JSON.stringify(before) !== JSON.stringify(after);
  return before !== after || (typeof before === 'number' && !Number.isSafeInteger(before));
}
