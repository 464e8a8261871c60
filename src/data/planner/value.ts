/**
 * A value whose place is known: not only what it is now, but how to read it again from the next request's input. Plans are
 * compiled once and run many times, so a statement never holds a value, only the way to it.
 *
 * Terms: the *input* of a plan is the coerced variables of the operation and the rules as they came out for the viewer;
 * the *shape* of a value is all of it that the SQL text depends on (which keys are there, what is null, how long a list
 * of conditions is), and so part of the key under which a plan is kept.
 */

/** What a plan reads its parameters from. */
export interface PlanInput {
  variables: Readonly<Record<string, unknown>>;
  /** By model: what its rules came to for this viewer. */
  rules: Readonly<Record<string, unknown>>;
}

/** The way to a value. */
export type Read = (input: PlanInput) => unknown;

/** A value and the way to it. */
export interface Value {
  /** What it is in the input that the plan is compiled for. */
  readonly now: unknown;
  readonly read: Read;
  /** Where it stands, as `where.title`, for errors. */
  readonly path: string;
  /** The named part of an object; its `now` is undefined when there is none. */
  get(key: string): Value;
  /** Keys of an object, in order, without those that are undefined. */
  keys(): string[];
  /** Parts of a list; a single value is a list of one, as in Prisma. */
  items(): Value[];
}

/** A value at the end of a way: a variable, a part of one, or what a rule returned. */
export function valueAt(now: unknown, read: Read, path: string): Value {
  return {
    now,
    read,
    path,
    get: (key) => valueAt(partOf(now, key), (input) => partOf(read(input), key), path ? `${path}.${key}` : key),
    keys: () => (isRecord(now) ? Object.keys(now).filter((key) => now[key] !== undefined) : []),
    items: () =>
      Array.isArray(now)
        ? now.map((item, i) => valueAt(item, (input) => (read(input) as unknown[])[i], `${path}.${i}`))
        : now === undefined || now === null
          ? []
          : [valueAt(now, read, path)],
  };
}

/** A value that is the same in every request. */
export const constant = (now: unknown, path = ''): Value => valueAt(now, () => now, path);

/** An object written out in the document, some of whose parts may be variables. */
export function objectOf(parts: ReadonlyMap<string, Value>, path: string): Value {
  const build = (pick: (part: Value) => unknown) =>
    Object.fromEntries([...parts].map(([key, part]) => [key, pick(part)]).filter(([, v]) => v !== undefined));
  return {
    now: build((part) => part.now),
    read: (input) => build((part) => part.read(input)),
    path,
    get: (key) => parts.get(key) ?? constant(undefined, path ? `${path}.${key}` : key),
    keys: () => [...parts].filter(([, part]) => part.now !== undefined).map(([key]) => key),
    items: () => [objectOf(parts, path)],
  };
}

/** A list written out in the document. */
export function listOf(items: readonly Value[], path: string): Value {
  return {
    now: items.map((item) => item.now),
    read: (input) => items.map((item) => item.read(input)),
    path,
    get: () => constant(undefined, path),
    keys: () => [],
    items: () => [...items],
  };
}

/** Whether the value is a plain object (not a list, date, buffer or decimal). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** The part of an object that is its own; undefined otherwise, also for what every object inherits (`constructor`). */
export const partOf = (value: unknown, key: string): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
