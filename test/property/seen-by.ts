import pg from 'pg';
import { type Datamodel, identifyingFields, type Model, modelNamed } from '../../src/data/model/datamodel.ts';
import type { RuleSet, UntypedRule } from '../../src/data/rules/rule-set.ts';
import type { Viewer } from '../../src/viewer.ts';
import { ask } from '../support/postgres.ts';
import type { PrismaClient } from '../support/prisma-client.ts';
import type { Words } from './random-reads.ts';

type Row = Record<string, unknown>;

/** Which rows a viewer may see, and in which of them each field that has a rule; as Prisma finds them. */
export interface Sight {
  rows: ReadonlyMap<string, Words>;
  values: ReadonlyMap<string, ReadonlyMap<string, Words>>;
}

/**
 * Asks Prisma Client for what the rules let the viewer see.
 * @NOTE what a rule says of a viewer's missing id stands in no negation, which must come to nothing as well.
 */
export async function sightOf(
  client: PrismaClient,
  datamodel: Datamodel,
  models: readonly string[],
  rules: RuleSet,
  viewer: Viewer,
): Promise<Sight> {
  const rows = new Map<string, Words>();
  const values = new Map<string, Map<string, Words>>();
  for (const name of models) {
    const model = modelNamed(datamodel, name);
    const find = async (rule: UntypedRule): Promise<Words> => {
      const said = typeof rule === 'function' ? rule(viewer) : rule;
      const where = said === true ? {} : said === false ? { OR: [] } : withoutUndefined(said);
      const found = (await client.model(name).findMany({ where: where as object })) as Row[];
      return { OR: found.map((row) => keyWords(model, row)) };
    };
    const { read = false, fields = {} } = rules[name] ?? {};
    rows.set(name, await find(read));
    values.set(name, new Map());
    for (const [field, rule] of Object.entries(fields))
      if (rule.read !== undefined) values.get(name)!.set(field, await find(rule.read));
  }
  return { rows, values };
}

const keyWords = (model: Model, row: Row): Words =>
  Object.fromEntries(identifyingFields(model).map((field) => [field.name, row[field.name]]));

/** Nobody's id is the id of no row. */
function withoutUndefined(words: unknown): unknown {
  if (words === undefined) return { in: [] };
  if (Array.isArray(words)) return words.map(withoutUndefined);
  if (typeof words !== 'object' || words === null || words instanceof Date) return words;
  return Object.fromEntries(Object.entries(words).map(([key, value]) => [key, withoutUndefined(value)]));
}

/**
 * Takes from a database what may not be seen: rows are deleted, values are null. A key that leads to a row that is gone
 * stays as it is, so foreign keys are let go; but for those of join tables, whose rows go with either end.
 */
export async function removeTheUnseen(
  url: string,
  client: PrismaClient,
  datamodel: Datamodel,
  { rows, values }: Sight,
): Promise<void> {
  const name = (text: string) => pg.escapeIdentifier(text);
  const kept = [...datamodel.models.values()].flatMap((model) =>
    model.relations.flatMap(({ link }) => (link.kind === 'join' ? [link.table.name] : [])),
  );
  const keys = await ask<{ table: string; name: string }>(
    url,
    `SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
     JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'f' AND relname <> ALL ($1)`,
    [kept],
  );
  const statements = keys.map((key) => `ALTER TABLE ${key.table} DROP CONSTRAINT ${name(key.name)};`);
  for (const [modelName, fields] of values) {
    const { table, columns } = modelNamed(datamodel, modelName);
    for (const field of fields.keys()) {
      const { column } = columns.find((c) => c.name === field)!;
      statements.push(
        `ALTER TABLE ${name(table.schema)}.${name(table.name)} ALTER COLUMN ${name(column)} DROP NOT NULL;`,
      );
    }
  }
  await ask(url, statements.join('\n') || 'SELECT');
  for (const [modelName, fields] of values) {
    const { columns } = modelNamed(datamodel, modelName);
    for (const [field, seen] of fields) {
      const { type } = columns.find((c) => c.name === field)!;
      const isJson = type.kind === 'scalar' && type.name === 'Json';
      const data = { [field]: isJson ? client.namespace.DbNull : null };
      await client.model(modelName).updateMany({ where: { NOT: seen }, data });
    }
  }
  for (const [modelName, seen] of rows) await client.model(modelName).deleteMany({ where: { NOT: seen } });
}

/** The schema for a client of such databases: no relation leads to a row for certain, and no value that has a rule is. */
export function withoutCertainty(schema: string, datamodel: Datamodel, rules: RuleSet): string {
  let model: Model | undefined;
  return schema
    .replaceAll(' @updatedAt', '')
    .split('\n')
    .map((line) => {
      const opened = /^model (\w+) \{/.exec(line);
      if (opened) model = datamodel.models.get(opened[1]!);
      if (/^\}/.test(line)) model = undefined;
      const [, name = ''] = /^\s+(\w+)\s+\w+\s/.exec(line) ?? [];
      const field = model?.fields.get(name);
      const isRelation = field?.kind === 'relation' && field.link.kind === 'own';
      const isGuarded = rules[model?.name ?? '']?.fields?.[name]?.read !== undefined;
      return isRelation || isGuarded ? line.replace(/^(\s+\w+\s+\w+)\s/, '$1? ') : line;
    })
    .join('\n');
}
