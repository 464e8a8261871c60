import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { Config } from '../../src/config/config.ts';
import type { Datamodel } from '../../src/data/model/datamodel.ts';
import { readDatamodel } from '../../src/data/model/read-datamodel.ts';
import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import { stranger, viewerOf } from '../../src/viewer.ts';
import { testDatabase } from '../support/postgres.ts';
import { generatePrismaClient } from '../support/prisma-client.ts';
import { createSchemaDatabase } from '../support/schema-server.ts';
import { type Asker, startServer, type TestServer } from '../support/server.ts';
import { createOracle, type Oracle } from './as-prisma.ts';
import { fillTables } from './random-rows.ts';
import { removeTheUnseen, type Sight, sightOf, withoutCertainty } from './seen-by.ts';

/** What a world is made of. */
export interface WorldPlan {
  name: string;
  /** Prisma's text. */
  schema: string;
  /** SQL that a migration does not write. */
  views?: string;
  /** Models that are filled and read; all tables by default. */
  models?: readonly string[];
  rules: RuleSet;
  /** Whoever asks, by what their tokens say; undefined is a stranger. */
  viewers: readonly (Claims | undefined)[];
}

type Claims = Parameters<TestServer['as']>[0];

/** A schema whose tables are full of rows that tie, served under rules, with Prisma Client beside it. */
export interface World extends AsyncDisposable {
  server: TestServer;
  datamodel: Datamodel;
  models: readonly string[];
  viewers: readonly WorldViewer[];
}

/** Somebody who asks, and what knows the answers. */
export interface WorldViewer {
  name: string;
  /** Whether rules bind them. */
  isBound: boolean;
  asker: Asker;
  oracle: Oracle;
}

/** Fills a database, copies what each viewer may see of it for Prisma Client, and serves it. */
export async function openWorld(plan: WorldPlan, seed: number): Promise<World> {
  const { name, schema, rules } = plan;
  await using stack = new AsyncDisposableStack();
  const { url, files } = stack.use(await createSchemaDatabase(schema, plan.views));
  const datamodel = readDatamodel(files);
  const models = inOrderOfNeed(datamodel, plan.models);
  const connect = await generatePrismaClient(name, withoutCertainty(schema, datamodel, rules));

  const all = connect(url);
  await fillTables(all, datamodel, models, { rows: 20, seed });
  const sights: (Sight | undefined)[] = [];
  for (const claims of plan.viewers) {
    const viewer = claims ? viewerOf({ ...claims, ...claims.claims }, 'admin') : stranger;
    sights.push(viewer.isAdmin ? undefined : await sightOf(all, datamodel, models, rules, viewer));
  }
  await all.disconnect();

  const oracles: Oracle[] = [];
  for (const sight of sights) {
    const copy = stack.use(await testDatabase({ template: new URL(url).pathname.slice(1) }));
    const client = connect(copy.url);
    stack.defer(() => client.disconnect());
    if (sight) await removeTheUnseen(copy.url, client, datamodel, sight);
    oracles.push(createOracle(client, datamodel));
  }
  const server = stack.use(
    await startServer({ databaseUrl: url, sources: { files, rules }, config: withoutCostLimit }),
  );
  const owned = stack.move();
  return {
    server,
    datamodel,
    models,
    viewers: plan.viewers.map((claims, i) => ({
      name: claims ? JSON.stringify(claims) : 'a stranger',
      isBound: sights[i] !== undefined,
      asker: claims ? server.as(claims) : server.stranger,
      oracle: oracles[i]!,
    })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The models in an order in which required rows come before those that need them. */
function inOrderOfNeed(datamodel: Datamodel, asked?: readonly string[]): string[] {
  const left = new Set(asked ?? [...datamodel.models.values()].filter((m) => !m.isView).map((m) => m.name));
  const order: string[] = [];
  while (left.size > 0) {
    const next = [...left].find((name) =>
      datamodel.models
        .get(name)!
        .relations.every((r) => r.link.kind !== 'own' || !r.isRequired || r.target === name || !left.has(r.target)),
    );
    if (!next) throw new Error(`these need each other: ${[...left].join(', ')}`);
    order.push(next);
    left.delete(next);
  }
  return order;
}

/** What the generator asks for may cost more than anybody would be let. */
const withoutCostLimit = (config: Config): Config => ({
  ...config,
  graphql: { ...config.graphql, cost: { ...config.graphql.cost, max: Number.MAX_SAFE_INTEGER } },
});
