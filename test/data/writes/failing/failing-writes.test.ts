import { afterAll, beforeAll, expect, it } from 'vitest';
import { statusOf } from '../../../../src/errors.ts';
import { createRandom } from '../../../faults/random.ts';
import { ask } from '../../../support/postgres.ts';
import { startSchemaServer } from '../../../support/schema-server.ts';
import type { Answer, TestServer } from '../../../support/server.ts';
import { type FailingWrite, failingWrites } from './generator.ts';
import { datamodel, guards, rows, rules, schema } from './world.ts';

const seed = Number(process.env.SEED ?? 1);
const writes = failingWrites(createRandom(seed));

let server: TestServer;
beforeAll(async () => {
  server = await startSchemaServer({ schema, rules, rows: guards });
  const { api } = server.server.application().reads;
  for (const [name, data] of rows) {
    const one = name.charAt(0).toUpperCase() + name.slice(1);
    const query = `mutation ($data: ${api.typeName(`Create${name}Input`)}!) { create${one}(data: $data) { __typename } }`;
    const { errors } = await server.as({ sub: 'somebody' }).query(query, { data });
    expect(errors, name).toBeUndefined();
  }
});
afterAll(() => server[Symbol.asyncDispose]());

/** Names and values that stand in the database alone, words of its messages and of programs, and what a trigger says. */
const leaks =
  /zz_|hush|constraint|violat|relation|duplicate key|null value|column|tuple|trigger|postgres|prisma|pg_|sql|plpgsql|syntax|overflow|cannot (?:insert|cast)|invalid (?:input syntax|byte)|exclu(?:sion|des? using)|["'](?:0[8A]|2[0-9]|4[0-9]|5[3-8])[0-9A-Z]{3}["']|P000|\.[tj]s\b|node_modules| at [A-Za-z.]+ \(|\/src|stack/i;

/** Everything that is stored, as one text. */
const stored = (() => {
  const tables = [...datamodel.models.values()].flatMap(({ table, relations }) => [
    table,
    ...relations.flatMap(({ link }) => (link.kind === 'join' ? [link.table] : [])),
  ]);
  const names = [...new Set(tables.map(({ schema, name }) => `"${schema}"."${name}"`))];
  const texts = names.map((name) => `(select md5(string_agg(t::text, ',' order by t::text)) from ${name} t)`);
  const query = `select array[${texts.join(', ')}, (select count(*)::text from millrace.event_inbox)] as all`;
  return async () => JSON.stringify(await ask(server.databaseUrl, query));
})();

/** What is wrong with the answer to a write that has to fail; nothing where all is well. */
function complaintsOf({ code, paths, variables }: FailingWrite, status: number, text: string): string[] {
  const { data, errors } = JSON.parse(text) as Answer;
  const [error] = errors ?? [];
  if (!error) return ['it did not fail'];
  const complaints: string[] = [];
  const { extensions } = error;
  if (!(extensions.code in statusOf)) complaints.push('has no code');
  if (extensions.code !== code) complaints.push(`has not the code ${code}`);
  if (status >= 500) complaints.push(`has the status ${status}`);
  if (data !== undefined && Object.values(data ?? {}).some((value) => value !== null)) complaints.push('has data');
  const told = extensions.fields?.map(({ path }) => path);
  if (paths && JSON.stringify(told) !== JSON.stringify(paths)) complaints.push(`does not name ${paths}`);
  // What only the commit finds out is no single field's.
  const isLate = errors!.some((e) => e.message.includes('could not be committed'));
  if (code === 'INVALID_INPUT' && !told?.length && !isLate) complaints.push('names no input');
  // What GraphQL says of a variable repeats what the client has sent.
  const own = JSON.stringify(variables);
  const [leak] = leaks.exec(text.replaceAll(/"locations":\[[^\]]*\]/g, '')) ?? [];
  if (leak !== undefined && !own.includes(leak)) complaints.push(`tells "${leak}"`);
  return complaints;
}

it(`tells no word of the database in ${writes.length} writes that fail, and stores nothing of them`, async () => {
  expect(writes.length).toBeGreaterThanOrEqual(500);
  expect(writes.filter(({ depth }) => depth > 0).length).toBeGreaterThan(150);
  expect(writes.filter(({ depth }) => depth > 1).length).toBeGreaterThan(50);
  const asker = server.as({ sub: 'somebody' });
  const before = await stored();
  const wrong: string[] = [];
  const codes: Record<string, number> = {};
  for (const [i, write] of writes.entries()) {
    const response = await asker.post({ query: write.query, variables: write.variables });
    const text = await response.text();
    const complaints = complaintsOf(write, response.status, text);
    const code = (JSON.parse(text) as Answer).errors?.[0]?.extensions.code ?? 'none';
    codes[code] = (codes[code] ?? 0) + 1;
    // Of fifty at once, which takes less long; which of them it was is found by one's own eyes.
    if ((i % 50 === 49 || i === writes.length - 1) && (await stored()) !== before)
      complaints.push('it, or one of the fifty before it, has stored something');
    if (complaints.length > 0)
      wrong.push(
        `${write.what}: ${complaints.join(', ')}\n  ${JSON.stringify(write.variables).slice(0, 400)}\n  ${text.slice(0, 700)}`,
      );
  }
  console.log(`${writes.length} failing writes, seed ${seed}: ${JSON.stringify(codes)}`);
  expect(wrong.slice(0, Number(process.env.SHOWN ?? 20)), `${wrong.length} of ${writes.length}`).toEqual([]);
}, 240_000);
