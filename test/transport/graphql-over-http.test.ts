import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

// The audits of the GraphQL over HTTP specification's reference implementation; every MUST and every SHOULD is kept.
const audits = serverAudits({ url: () => `${server.url}/graphql`, fetchFn: fetch });

it.each(audits.map((audit) => [audit.name, audit] as const))('%s', async (_name, audit) => {
  const result = await audit.fn();
  expect(result.status, 'reason' in result ? result.reason : '').toBe('ok');
});

it('is audited by all that there are', () => {
  expect(audits.length).toBe(61);
});
