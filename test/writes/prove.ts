import { createRandom } from '../../src/cli/seed/random.ts';
import type { Arena, Trial } from './arena.ts';
import { applyMutation, type Outcome, type RootField } from './model/apply.ts';
import type { WrittenWorld } from './model/shape.ts';
import { type Mutation, randomMutation } from './random-mutations.ts';
import { randomRows } from './random-rows.ts';
import { modelRules, schema, writers } from './world.ts';

/** Mutations upon one world before it is made anew: what each leaves is what the next meets. */
const perWorld = 25;

/** Writers as often as they are drawn: those whom the rules bind, and let do something, more than others. */
const chances = writers.flatMap((writer) =>
  Array.from({ length: writer.claims?.role === 'admin' ? 3 : writer.claims ? 5 : 1 }, () => writer),
);

/** A mutation whose outcome is not the model's. */
export interface Finding {
  number: number;
  trial: Trial;
  before: WrittenWorld;
  difference: string;
}

/** What a proof is made of. */
export interface ProofOptions {
  seed: number;
  /** Numbers of the mutations: from, up to but not including. */
  from: number;
  to: number;
  /** Whether a document is one transaction. */
  isWhole?: boolean;
  /** How many differences end it. */
  atMost?: number;
  /** The outcome that is looked for; by default each in its turn. */
  wanted?: Outcome['code'];
  /** Mutations that are sent; others are as if they had not been drawn. */
  isSent?: (mutation: Mutation) => boolean;
  onTrial?: (trial: Trial, before: WrittenWorld) => void;
}

/** Sends random mutations until so many have done something else than the model; by default one. */
export async function findDifferences(arena: Arena, options: ProofOptions): Promise<Finding[]> {
  const { seed, from, to, isWhole = false, onTrial, atMost = 1, wanted, isSent } = options;
  const findings: Finding[] = [];
  for (let first = Math.floor(from / perWorld) * perWorld; first < to; first += perWorld) {
    const random = createRandom(seed * 0x9e3779b1 + first * 0x85ebca6b);
    let world: WrittenWorld = { schema, rules: modelRules, rows: randomRows(random) };
    await arena.fill(world.rows);
    for (let number = first; number < Math.min(first + perWorld, to); number += 1) {
      const mutation = randomMutation(random, world, random.pick(chances), isWhole, wanted);
      if (isSent?.(mutation) === false) continue;
      const trial = { ...mutation, isInline: random.chance(0.3) };
      const difference = await arena.differenceOf(trial);
      if (difference) {
        findings.push({ number, trial, before: world, difference });
        if (findings.length === atMost) return findings;
        await arena.fill(trial.outcome.world.rows);
      }
      onTrial?.(trial, world);
      world = trial.outcome.world;
    }
  }
  return findings;
}

/** The smallest mutation found, by leaving parts out, that still does something else than the model. */
export async function smallest(arena: Arena, { trial, before, ...rest }: Finding): Promise<Finding> {
  for (const fields of smaller(trial.fields)) {
    const less = { ...trial, fields: fields as RootField[] };
    const outcome = await Promise.resolve()
      .then(() => applyMutation(before, trial.writer.viewer, less.fields))
      .catch(() => undefined);
    if (!outcome) continue;
    await arena.fill(before.rows);
    const difference = await arena.differenceOf({ ...less, outcome });
    // @NOTE of the same kind, or leaving out a key that names a row would lead to another difference.
    if (!difference || kindOf(difference) !== kindOf(rest.difference)) continue;
    return smallest(arena, { ...rest, trial: { ...less, outcome }, before, difference });
  }
  return { trial, before, ...rest };
}

const kindOf = (difference: string): string =>
  /the model says \w+|of \w+ the model|the model answers/.exec(difference)?.[0] +
  (/the engine \w+ \[\{"message":"[\w ]{0,20}/.exec(difference)?.[0] ?? '');

/** The same value without one of its parts. */
function* smaller(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  for (const key of Object.keys(value)) {
    if (
      isList
        ? value.length > 1
        : !['verb', 'model', 'args', 'where', 'data', 'create', 'update'].includes(key) || Object.keys(value).length > 3
    )
      yield isList
        ? value.filter((_, i) => String(i) !== key)
        : Object.fromEntries(Object.entries(value).filter(([k]) => k !== key));
  }
  for (const [key, part] of Object.entries(value)) {
    for (const less of smaller(part))
      yield isList ? value.map((v, i) => (String(i) === key ? less : v)) : { ...value, [key]: less };
  }
}

/** A finding, for whoever mends it. */
export function tell(finding: Finding, seed: number): string {
  const { trial, before, difference, number } = finding;
  const rows = Object.entries(before.rows).map(
    ([table, list]) =>
      `  ${table}: ${list
        .map((row) =>
          Object.values(row)
            .map((v) => JSON.stringify(v))
            .join(' '),
        )
        .join(' | ')}`,
  );
  return [
    `WRITES_SEED=${seed} WRITES_ONE=${number} npx vitest run test/writes/random.test.ts`,
    `${trial.writer.name}: ${trial.fields.map(({ verb, model, args }) => `${verb} ${model} ${JSON.stringify(args)}`).join('\n  then ')}`,
    difference,
    'upon these rows:',
    ...rows,
  ].join('\n');
}
