import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../support/postgres.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { insertTeam, team } from '../../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

const viewers = { ann: { sub: team.ann }, ben: { sub: team.ben }, cleo: { sub: team.cleo }, dora: { sub: team.dora } };
const everybody = [...Object.entries(viewers), ['admin', { role: 'admin' }], ['stranger', {}]] as const;

const absent = '00000000-0000-7000-8000-000000000099';

const rows: [model: string, where: string, setting: [field: string, value: string]][] = [
  ...[team.wheel, team.forge].map((id): (typeof rows)[number] => ['Project', byId(id), ['budget', '"1"']]),
  ...[team.pond, team.anvil, absent].map((id): (typeof rows)[number] => ['Task', byId(id), ['priority', '4']]),
  ...[team.remark, team.secret].map((id): (typeof rows)[number] => ['Comment', byId(id), ['body', '"So"']]),
  ['User', byId(team.ben), ['name', '"Ben"']],
  ['User', byId(team.ben), ['id', `"${team.ben}"`]],
  ['Member', `{ workspaceId_userId: { workspaceId: "${team.mill}", userId: "${team.cleo}" } }`, ['role', 'VIEWER']],
];

function byId(id: string): string {
  return `{ id: "${id}" }`;
}

it('is of one mind with the API about every viewer, row and action', async () => {
  const told: Record<string, number> = {};
  for (const [name, claims] of everybody) {
    const asker = name === 'stranger' ? server.stranger : server.as(claims);
    const viewer = `{ ${'sub' in claims ? `id: "${claims.sub}"` : 'role' in claims ? 'role: "admin"' : ''} }`;
    for (const [model, where, [field, value]] of rows) {
      const attempts = {
        READ: `{ answer: ${model.toLowerCase()}(where: ${where}) { ${field} } }`,
        UPDATE: `mutation { answer: update${model}(where: ${where}, data: { ${field}: ${value} }) { __typename } }`,
        DELETE: `mutation { answer: delete${model}(where: ${where}) { __typename } }`,
      };
      const questions = Object.keys(attempts).map((action) => {
        const asked = action === 'DELETE' ? '' : `field: "${field}"`;
        const input = `{ viewer: ${viewer}, model: "${model}", action: ${action}, where: ${where}, ${asked} }`;
        return `${action}: explainAccess(input: ${input}) { allowed error exists }`;
      });
      const { data } = await server.as({ role: 'admin' }).query(`{ ${questions.join(' ')} }`);
      for (const [action, attempt] of Object.entries(attempts)) {
        const about = `${name} ${action} ${model} ${where} ${field}`;
        const { allowed, error, exists } = data[action];
        const real = await asker.query(attempt);
        expect(error ? [error] : undefined, about).toEqual(real.errors?.map((e) => e.extensions.code));
        expect(allowed, about).toBe(action === 'READ' ? real.data?.answer?.[field] != null : !real.errors);
        expect(exists, about).toBe(!where.includes(absent));
        const outcome = `${action} ${error ?? allowed}`;
        told[outcome] = (told[outcome] ?? 0) + 1;
        if (action === 'DELETE' && allowed) await restore();
      }
    }
  }
  expect(told).toMatchInlineSnapshot(`
    {
      "DELETE FORBIDDEN": 14,
      "DELETE NOT_FOUND": 26,
      "DELETE UNAUTHENTICATED": 2,
      "DELETE true": 18,
      "READ false": 32,
      "READ true": 28,
      "UPDATE FORBIDDEN": 14,
      "UPDATE NOT_FOUND": 28,
      "UPDATE true": 18,
    }
  `);
});

/** Puts everything back as it was. */
async function restore(): Promise<void> {
  await ask(server.databaseUrl, 'truncate users, workspaces cascade');
  await insertTeam(server.databaseUrl);
}
