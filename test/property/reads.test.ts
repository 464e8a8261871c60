import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ColumnField, type Model, modelNamed } from '../../src/data/model/datamodel.ts';
import type { Asker } from '../support/server.ts';
import { type Spelling, spellingFor } from './as-graphql.ts';
import { createOracle, type Oracle, pageOf } from './as-prisma.ts';
import { type Choices, type ListRead, randomList } from './random-reads.ts';
import { comparedValuesOf } from './random-rows.ts';
import { shrink } from './smaller.ts';
import { openTorture, type World } from './world.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 });

// The same reads every time, so that a change that fails here is the cause; to look further, give other numbers.
const numRuns = Number(process.env.PROPERTY_RUNS ?? 300);
const seed = Number(process.env.PROPERTY_SEED ?? 1);

let world: World;
let { server, client, models, rules } = {} as World;
let spelling: Spelling;
const choices = (own: boolean): Choices => ({
  datamodel: server.server.application().datamodel,
  models: new Set(models),
  pool: (_model: Model, field: ColumnField) => comparedValuesOf(field),
  ownOrdersOnly: own,
});

beforeAll(async () => {
  world = await openTorture('torture', seed);
  ({ server, client, models, rules } = world);
  const { schema, datamodel, reads } = server.server.application();
  spelling = spellingFor(schema, reads.api, datamodel);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const ask = async (viewer: Asker, list: ListRead, inline: boolean, page?: string) => {
  const { query, variables } = spelling.question(list, inline, page);
  const { data, errors } = await viewer.query(query, variables);
  if (errors) throw new Error(`${JSON.stringify(errors)}\n${query}\n${JSON.stringify(variables)}`);
  const edges: { cursor: string; node: Record<string, unknown> }[] = data.list.edges;
  return {
    ...data.list,
    cursors: edges.map((e) => e.cursor),
    rows: spelling.rowsOf(list, { nodes: edges.map((e) => e.node) }),
  };
};

describe(`a random read (seed ${seed})`, () => {
  const check = (name: string, viewer: () => Asker, oracle: () => Promise<Oracle>, ownOrdersOnly: boolean) =>
    it(name, async () => {
      const truth = await oracle();
      const property = fc.asyncProperty(fc.gen(), fc.boolean(), async (g, inline) => {
        const list = randomList(g, choices(ownOrdersOnly), g(fc.constantFrom, ...models), 2);
        try {
          await compare(truth, viewer(), list, inline);
          await walk(g, truth, viewer(), { ...list, size: undefined }, inline);
        } catch (error) {
          const differs = (less: ListRead) =>
            compare(truth, viewer(), less, inline).then(
              () => false,
              (e: Error) => e.name === 'AssertionError',
            );
          const least = (await differs(list)) ? await shrink(list, differs) : list;
          throw new Error(`${JSON.stringify(least)}\n${(error as Error).message}`, { cause: error });
        }
      });
      await fc.assert(property, { numRuns, seed, verbose: 1, endOnFailure: true });
    });

  const compare = async (truth: Oracle, viewer: Asker, list: ListRead, inline: boolean): Promise<void> => {
    const all = await truth.read({ ...list, size: undefined });
    const answer = await ask(viewer, list, inline);
    expect(answer.rows).toEqual(pageOf(list, all));
    expect(answer.totalCount).toBe(await truth.count(list));
    const isCut = list.size !== undefined && all.length > list.size.count;
    expect(answer.pageInfo).toEqual({
      hasNextPage: list.size?.end === 'first' && isCut,
      hasPreviousPage: list.size?.end === 'last' && isCut,
      startCursor: answer.cursors[0] ?? null,
      endCursor: answer.cursors.at(-1) ?? null,
    });
  };

  /** Some page between two cursors of the whole list. */
  const walk = async (
    g: fc.GeneratorValue,
    truth: Oracle,
    viewer: Asker,
    list: ListRead,
    inline: boolean,
  ): Promise<void> => {
    const all = await truth.read(list);
    if (all.length === 0) return;
    const { cursors } = await ask(viewer, list, inline, 'first: 500');
    expect(cursors).toHaveLength(all.length);
    const after = g(fc.option, fc.nat({ max: all.length - 1 }), { nil: undefined }) as number | undefined;
    const before = g(fc.option, fc.nat({ max: all.length - 1 }), { nil: undefined }) as number | undefined;
    const [from, to] = [after === undefined ? 0 : after + 1, before ?? all.length];
    const size = g(fc.nat, { max: all.length });
    const end = g(fc.constantFrom, 'first', 'last');
    const page = [
      ...(after === undefined ? [] : [`after: "${cursors[after]}"`]),
      ...(before === undefined ? [] : [`before: "${cursors[before]}"`]),
      `${end}: ${size}`,
    ].join(', ');
    const answer = await ask(viewer, list, inline, page);
    const inside = all.slice(from, Math.max(from, to));
    expect(answer.rows).toEqual(end === 'first' ? inside.slice(0, size) : size === 0 ? [] : inside.slice(-size));
    expect(answer.totalCount).toBe(all.length);
    const isCut = inside.length > size;
    expect(answer.pageInfo.hasNextPage).toBe((end === 'first' && isCut) || before !== undefined);
    expect(answer.pageInfo.hasPreviousPage).toBe((end === 'last' && isCut) || after !== undefined);
  };

  const admin = () => server.as({ role: 'admin' });
  const { datamodel } = { datamodel: () => server.server.application().datamodel };
  check('of the admin role is what Prisma Client finds', admin, () => createOracle(client, datamodel(), {}), false);
  check(
    'under rules is what Prisma Client finds with the rules in every level',
    () => server.stranger,
    () => createOracle(client, datamodel(), rules),
    true,
  );
});

it('has rows of every model to read', async () => {
  for (const name of models) {
    const { one } = server.server.application().reads.api.models.get(name)!;
    expect(modelNamed(server.server.application().datamodel, name), one).toBeDefined();
    expect(await client.model(name).count({}), name).toBeGreaterThan(1);
  }
});
