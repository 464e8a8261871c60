import type { Trial } from './arena.ts';
import type { Data } from './model/rows.ts';
import type { Link, WriteSchema } from './model/shape.ts';

/** Something done somewhere in a mutation: by which kind of relation, and how deep below the root field. */
interface Step {
  operation: string;
  by: string;
  depth: number;
}

/** How many mutations had what. */
export interface Tally {
  count(trial: Trial): void;
  total: number;
  /** What too few of them had. */
  missing(): string[];
  /** One line a feature. */
  print(): string;
}

const many = 'set disconnect delete deleteMany update updateMany upsert connect connectOrCreate create createMany';
const operations: Record<string, string> = {
  'the row’s own key': 'disconnect delete update upsert connect connectOrCreate create',
  'one row’s key': 'disconnect delete update upsert connect connectOrCreate create',
  'many rows’ keys': many,
  'a join table': many,
};

const kindOf = (link: Link): string => {
  if (link.kind === 'own') return 'the row’s own key';
  if (link.kind === 'join') return 'a join table';
  return link.isList ? 'many rows’ keys' : 'one row’s key';
};

/** Of a thousand mutations so many at least must have each: what hardly occurs proves nothing. */
const least: Record<string, number> = {
  ...Object.fromEntries(
    'create createMany update updateMany upsert delete deleteMany'.split(' ').flatMap((verb) => [
      [`${verb} done`, 10],
      [`${verb} refused`, 5],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(operations).flatMap(([by, words]) =>
      words.split(' ').flatMap((operation) => [
        [`${operation} by ${by}, done`, 0.2],
        [`${operation} by ${by}, refused`, 0.2],
      ]),
    ),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((depth) => [
      [`${depth} deep, done`, [60, 20, 4, 1][depth - 1]!],
      [`${depth} deep, refused`, [60, 20, 4, 1][depth - 1]!],
    ]),
  ),
  'outcome done': 350,
  'outcome FORBIDDEN': 150,
  'outcome NOT_FOUND': 40,
  'outcome CONFLICT': 20,
  'outcome INVALID_INPUT': 5,
  'outcome UNAUTHENTICATED': 1,
  'several root fields': 30,
  'a version that is asked for': 5,
  'a version that is stale': 1,
  'numbers and lists that are reckoned': 10,
  'a closed field': 3,
  'a key of two columns': 10,
  'duplicates left out': 10,
  'arguments where they stand': 200,
};

/** Counts mutations of this schema. @param isWhole whether documents have several root fields */
export function createTally(schema: WriteSchema, isWhole: boolean): Tally {
  const counts = new Map(Object.keys(least).map((name) => [name, 0]));
  const tally: Tally = {
    total: 0,
    count(trial) {
      tally.total += 1;
      for (const name of new Set(featuresOf(schema, trial))) counts.set(name, (counts.get(name) ?? 0) + 1);
    },
    missing: () =>
      Object.entries(least)
        .filter(
          ([name, n]) => counts.get(name)! * 1000 < n * tally.total && (isWhole || name !== 'several root fields'),
        )
        .map(([name]) => `${name}: ${counts.get(name)}`),
    print: () =>
      [...counts].map(([name, n]) => `${((1000 * n) / tally.total).toFixed(1).padStart(7)} ‰  ${name}`).join('\n'),
  };
  return tally;
}

function featuresOf(schema: WriteSchema, { fields, outcome, isInline }: Trial): string[] {
  const end = outcome.code === 'done' ? 'done' : 'refused';
  const steps = fields.flatMap(({ model, args }) =>
    ['data', 'create', 'update'].flatMap((name) =>
      [args[name]].flat().flatMap((data) => stepsIn(schema, model, data, 1)),
    ),
  );
  const text = JSON.stringify(fields);
  const deepest = Math.max(0, ...steps.map(({ depth }) => depth));
  const says = (pattern: RegExp, feature: string) => (pattern.test(text) ? [feature] : []);
  return [
    `outcome ${outcome.code}`,
    ...fields.map(({ verb }) => `${verb} ${end}`),
    ...steps.map(({ operation, by }) => `${operation} by ${by}, ${end}`),
    ...Array.from({ length: deepest }, (_, i) => `${i + 1} deep, ${end}`),
    ...(fields.length > 1 ? ['several root fields'] : []),
    ...says(/"ifVersion"/, 'a version that is asked for'),
    ...('why' in outcome && outcome.why === 'stale' ? ['a version that is stale'] : []),
    ...says(/"_(in|de)crement"|"_multiply"|"_divide"|"_push"/, 'numbers and lists that are reckoned'),
    ...says(/"origin"/, 'a closed field'),
    ...says(/"teamId_userId"/, 'a key of two columns'),
    ...says(/"skipDuplicates":true/, 'duplicates left out'),
    ...(isInline ? ['arguments where they stand'] : []),
  ];
}

function stepsIn(schema: WriteSchema, model: string, data: unknown, depth: number): Step[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(schema[model]!.links).flatMap(([name, link]) => {
    const given = (data as Data)[name] as Data | undefined;
    return Object.entries(given ?? {}).flatMap(([operation, value]): Step[] => [
      { operation, by: kindOf(link), depth },
      ...[value].flat().flatMap((item) => inItem(schema, link.to, operation, item, depth + 1)),
    ]);
  });
}

function inItem(schema: WriteSchema, model: string, operation: string, item: unknown, depth: number): Step[] {
  if (typeof item !== 'object' || item === null) return [];
  const { data, create, update } = item as Data;
  const isWrapped = 'where' in item || (operation !== 'create' && operation !== 'update');
  const parts = isWrapped ? [data, create, update].flat() : [item];
  return parts.flatMap((part) => stepsIn(schema, model, part, depth));
}
