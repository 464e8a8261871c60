import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRandom, type Random } from '../../src/cli/seed/random.ts';
import { modelNamed } from '../../src/data/model/datamodel.ts';
import { type ListAnswer, randomStyle, type Spelling, type Style, spellingFor } from './as-graphql.ts';
import { type Between, cut, type Found } from './as-prisma.ts';
import { type Asked, createTally } from './features.ts';
import { measureByPrisma } from './measures-as-prisma.ts';
import { type MeasureRead, randomMeasure } from './random-measures.ts';
import { type Choices, type ListRead, randomList } from './random-reads.ts';
import { shrink } from './smaller.ts';
import { openWorld, type World, type WorldPlan, type WorldViewer } from './world.ts';

vi.setConfig({ testTimeout: 24 * 3_600_000, hookTimeout: 240_000 });

// The same reads every time, so that a change that fails here is the cause; to look further, give other numbers.
const seed = Number(process.env.PROPERTY_SEED ?? 1);
/** How many reads there are over all worlds. */
const total = Number(process.env.PROPERTY_RUNS ?? (process.env.CI ? 2000 : 600));
/** A read to ask alone, by its number, as a failure names it. */
const only = process.env.PROPERTY_READ === undefined ? undefined : Number(process.env.PROPERTY_READ);
const atOnce = Number(process.env.PROPERTY_AT_ONCE ?? 6);
const isTold = process.env.PROPERTY_FEATURES !== undefined;

/**
 * Holds so great a part of all reads against what Prisma Client says of this world.
 * @param lacking features that reads of it hardly have
 */
export function proveReads(plan: WorldPlan, part: number, lacking = /^$/): void {
  describe(`random reads of the ${plan.name} schema (seed ${seed})`, () => {
    let world: World;
    let spelling: Spelling;
    let choices: Choices;
    beforeAll(async () => {
      world = await openWorld(plan, seed);
      const { schema, datamodel, reads } = world.server.server.application();
      spelling = spellingFor(schema, reads.api, datamodel);
      choices = { datamodel, models: new Set(world.models) };
    });
    afterAll(() => world?.[Symbol.asyncDispose]());

    it('are answered as Prisma Client answers them, for each viewer', async () => {
      const count = Math.ceil(total * part);
      const tally = createTally(world.datamodel);
      const numbers = only === undefined ? Array.from({ length: count }, (_, n) => n).values() : [only].values();
      let failed: { number: number; error: unknown } | undefined;
      const work = async () => {
        for (const number of numbers) {
          if (failed) return;
          try {
            tally.count(await play(number));
          } catch (error) {
            failed ??= { number, error };
          }
        }
      };
      const started = Date.now();
      await Promise.all(Array.from({ length: atOnce }, work));
      if (failed) {
        const replay = `PROPERTY_SEED=${seed} PROPERTY_READ=${failed.number} npx vitest run test/property/${plan.name}.test.ts`;
        throw new Error(`${replay}\n${(failed.error as Error).message}`, { cause: failed.error });
      }
      process.stdout.write(`${plan.name}: ${tally.total} reads, seed ${seed}, ${Date.now() - started} ms\n`);
      if (isTold) process.stdout.write(`${tally.print()}\n`);
      // Reads that ask for little, or find nothing, would prove little.
      if (tally.total >= 500) expect(tally.missing().filter((line) => !lacking.test(line))).toEqual([]);
    });

    it('find rows of every model, of which each viewer but the admin role sees only some', async () => {
      const countFor = async ({ oracle }: WorldViewer) => {
        const counts = await Promise.all(world.models.map((name) => oracle.client.model(name).count({})));
        return counts as number[];
      };
      const all = await countFor(world.viewers.find(({ isBound }) => !isBound)!);
      for (const [i, n] of all.entries()) expect(n, world.models[i]).toBeGreaterThan(1);
      const sum = (of: number[]) => of.reduce((a, b) => a + b);
      let seenByAll = 0;
      for (const viewer of world.viewers.filter(({ isBound }) => isBound)) {
        const seen = sum(await countFor(viewer));
        expect(seen, viewer.name).toBeLessThan(sum(all));
        seenByAll += seen;
      }
      // A stranger may see nothing, whom no row knows.
      expect(seenByAll).toBeGreaterThan(0);
    });

    const play = async (number: number): Promise<Asked> => {
      const random = createRandom(seed * 0x9e3779b1 + number * 0x85ebca6b);
      const viewer = world.viewers[number % world.viewers.length]!;
      const style = randomStyle(random);
      const { isBound } = viewer;
      const model = random.pick(world.models);
      if (random.chance(0.25)) {
        const read = randomMeasure(random, choices, modelNamed(world.datamodel, model));
        const found = await orSmallest(read, viewer, (less) => compareMeasures(viewer, less, style));
        return { read, style, isBound, found, pages: [] };
      }
      const read = randomList(random, choices, model, random.pick([0, 1, 2, 3, 3]));
      const known = await viewer.oracle.read(read);
      const found = await orSmallest(read, viewer, (less) =>
        compareList(viewer, less, style, less === read ? known : undefined),
      );
      const pages = await walk(random, viewer, { ...read, size: undefined }, style, known);
      return { read, style, isBound, found, pages };
    };

    /** Does it, and tells of a failure by the smallest read that fails so, too. */
    const orSmallest = async <Read>(read: Read, viewer: WorldViewer, compare: (read: Read) => Promise<number>) => {
      try {
        return await compare(read);
      } catch (error) {
        const differs = (less: Read) =>
          compare(less).then(
            () => false,
            (e: Error) => e.name === 'AssertionError',
          );
        const least = (await differs(read)) ? await shrink(read, differs) : read;
        const message = await compare(least).then(
          () => (error as Error).message,
          (e: Error) => e.message,
        );
        throw new Error(`${viewer.name} asks for ${JSON.stringify(least)}\n${message}`, { cause: error });
      }
    };

    const ask = async ({ asker }: WorldViewer, { query, variables }: ReturnType<Spelling['list']>) => {
      const { data, errors } = await asker.query(query, variables);
      if (errors) throw new Error(`${JSON.stringify(errors)}\n${query}\n${JSON.stringify(variables)}`);
      return data as Record<string, unknown>;
    };
    const askList = async (viewer: WorldViewer, list: ListRead, style: Style): Promise<ListAnswer> =>
      spelling.readList(list, style, await ask(viewer, spelling.list(list, style)));

    const compareMeasures = async (viewer: WorldViewer, read: MeasureRead, style: Style): Promise<number> => {
      const model = modelNamed(world.datamodel, read.model);
      const expected = await measureByPrisma(viewer.oracle, model, read);
      const answer = spelling.readMeasures(read, await ask(viewer, spelling.measures(read, style)));
      expect(answer).toEqual(expected);
      return read.by ? answer.length : (answer[0]!['count._all'] as number);
    };

    const compareList = async (viewer: WorldViewer, list: ListRead, style: Style, known?: Found): Promise<number> => {
      const { rows, totalCount } = known ?? (await viewer.oracle.read(list));
      const { cursors, cursorsBelow: _, ...answer } = await askList(viewer, list, style);
      expect(answer).toEqual({ totalCount, ...cut(list, rows) });
      expect(new Set(cursors).size).toBe(cursors.length);
      return answer.nodes.length;
    };

    /** Some page between two cursors of the whole list, and of one below one of its rows. */
    const walk = async (random: Random, viewer: WorldViewer, list: ListRead, style: Style, { rows }: Found) => {
      if (rows.length === 0) return [];
      const { cursors } = await askList(viewer, { ...list, size: { end: 'first', count: 500 } }, style);
      expect(cursors).toHaveLength(rows.length);
      const { given, between } = randomPage(random, cursors);
      const { totalCount, nodes, hasNextPage, hasPreviousPage } = await askList(viewer, { ...list, ...given }, style);
      expect({ nodes, hasNextPage, hasPreviousPage }).toEqual(cut({ ...list, ...given }, rows, between));
      expect(totalCount).toBe(rows.length);
      const full = rows.flatMap((row, at) =>
        Object.keys(list.selection.many).flatMap((field) =>
          (row[field] as unknown[]).length > 0 ? { at, field } : [],
        ),
      );
      if (full.length === 0) return ['root' as const];
      const { at, field } = random.pick(full);
      const below = { ...list.selection.many[field]!, size: undefined };
      const { one, measured, many } = list.selection;
      const askBelow = async (page: Partial<ListRead>) => {
        const selection = { one, measured, many: { ...many, [field]: { ...below, ...page } } };
        const size = { end: 'first' as const, count: 1 };
        const answer = await askList(viewer, { ...list, size, after: cursors[at - 1], selection }, style);
        return { page: answer.nodes[0]![field], cursors: answer.cursorsBelow(field) };
      };
      const all = rows[at]![field] as Record<string, unknown>[];
      const whole = await askBelow({});
      expect(whole.page).toEqual({ totalCount: all.length, ...cut(below, all) });
      const part = randomPage(random, whole.cursors);
      expect((await askBelow(part.given)).page).toEqual({
        totalCount: all.length,
        ...cut({ ...below, ...part.given }, all, part.between),
      });
      return ['root' as const, 'nested' as const];
    };
  });
}

/** So many rows of one end between two of these rows, or from an end of them. */
function randomPage(random: Random, cursors: readonly string[]): { given: Partial<ListRead>; between: Between } {
  const one = () => (random.chance(0.6) ? random.int(0, cursors.length - 1) : undefined);
  const between = { after: one(), before: one() };
  const size = { end: random.pick(['first', 'last'] as const), count: random.int(0, cursors.length) };
  const cursorAt = (place: number | undefined) => (place === undefined ? undefined : cursors[place]);
  return { given: { size, after: cursorAt(between.after), before: cursorAt(between.before) }, between };
}
