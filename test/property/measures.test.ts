import * as fc from 'fast-check';
import type { GraphQLInputType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasUnits } from '../../src/data/api/measures.ts';
import { type ColumnField, type Model, modelNamed } from '../../src/data/model/datamodel.ts';
import type { Asker } from '../support/server.ts';
import { literal } from './as-graphql.ts';
import { createOracle, normalise, type Oracle } from './as-prisma.ts';
import { knownMeasures, type Measures, measureByPrisma, measuresIn } from './measures-as-prisma.ts';
import { type MeasureRead, randomMeasure } from './random-measures.ts';
import { comparedValuesOf } from './random-rows.ts';
import { shrink } from './smaller.ts';
import { openExample, openTorture, type World } from './world.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

// The same measures every time, so that a change that fails here is the cause; to look further, give other numbers.
const numRuns = Number(process.env.PROPERTY_RUNS ?? 150);
const seed = Number(process.env.PROPERTY_SEED ?? 1);

const worlds = [
  ['the torture schema', () => openTorture('torture-measured', seed)],
  ['the example', () => openExample('example-measured', seed)],
] as const;

describe.each(worlds)(`measures of %s (seed ${seed})`, (_, open) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  const application = () => world.server.server.application();
  const modelOf = (name: string): Model => modelNamed(application().datamodel, name);

  const check = (name: string, viewer: () => Asker, oracle: () => Promise<Oracle>) =>
    it(name, async () => {
      const truth = await oracle();
      const choices = {
        datamodel: application().datamodel,
        models: new Set(world.models),
        pool: (_model: Model, field: ColumnField) => comparedValuesOf(field),
        ownOrdersOnly: true,
      };
      const compare = async (read: MeasureRead, inline: boolean): Promise<void> => {
        const expected = await measureByPrisma(world.client, truth, modelOf(read.model), read);
        expect(await ask(viewer(), read, inline)).toEqual(expected);
      };
      const property = fc.asyncProperty(fc.gen(), fc.boolean(), async (g, inline) => {
        const read = randomMeasure(g, choices, modelOf(g(fc.constantFrom, ...world.models)));
        try {
          await compare(read, inline);
        } catch (error) {
          const differs = (less: MeasureRead) =>
            compare(less, inline).then(
              () => false,
              (e: Error) => e.name === 'AssertionError',
            );
          const least = (await differs(read)) ? await shrink(read, differs) : read;
          throw new Error(`${JSON.stringify(least)}\n${(error as Error).message}`, { cause: error });
        }
      });
      await fc.assert(property, { numRuns, seed, verbose: 1, endOnFailure: true });
    });

  check(
    'of the admin role are what Prisma Client measures',
    () => world.server.as({ role: 'admin' }),
    () => createOracle(world.client, application().datamodel, {}),
  );
  check(
    'under rules are what Prisma Client measures of the rows that the rules show',
    () => world.server.stranger,
    () => createOracle(world.client, application().datamodel, world.rules),
  );

  const ask = async (viewer: Asker, read: MeasureRead, inline: boolean): Promise<Measures[]> => {
    const { schema, reads } = application();
    const { many } = reads.api.models.get(read.model)!;
    const model = modelOf(read.model);
    const root = schema.getQueryType()!.getFields()[`${many}${read.by ? 'GroupBy' : 'Aggregate'}`]!;
    const by = read.by?.map((name) => ({ [name]: hasUnits(model.columns.find((f) => f.name === name)!) ? {} : true }));
    const given: Record<string, unknown> = { ...read, by, orderBy: read.by ? read.orderBy : undefined };
    const args = root.args.filter(({ name }) => given[name] !== undefined);
    const declared = args.map((arg) => `$${arg.name}: ${arg.type}`);
    const spelt = args.map((arg) =>
      inline ? `${arg.name}: ${literal(given[arg.name], arg.type as GraphQLInputType)}` : `${arg.name}: $${arg.name}`,
    );
    const measured = new Map<string, string[]>([['count', ['_all']]]);
    for (const [measure, { name }] of knownMeasures(model))
      measured.set(measure, [...(measured.get(measure) ?? []), name]);
    const selection = [...measured].map(([measure, names]) => `${measure} { ${names.join(' ')} }`);
    if (read.by) selection.push(`keys { ${read.by.join(' ')} }`);
    const query = `query${inline || args.length === 0 ? '' : ` (${declared.join(', ')})`} {
      found: ${root.name}${args.length > 0 ? `(${spelt.join(', ')})` : ''} { ${selection.join(' ')} }
    }`;
    const variables = inline ? undefined : Object.fromEntries(args.map(({ name }) => [name, given[name]]));
    const { data, errors } = await viewer.query(query, variables);
    if (errors) throw new Error(`${JSON.stringify(errors)}\n${query}\n${JSON.stringify(variables)}`);
    return (read.by ? data.found : [data.found]).map((answer: Record<string, Record<string, unknown>>) => ({
      ...measuresIn(model, answer, ''),
      ...Object.fromEntries(
        (read.by ?? []).map((name) => [
          `keys.${name}`,
          normalise(model.columns.find((f) => f.name === name)!, answer.keys![name]),
        ]),
      ),
    }));
  };
});
