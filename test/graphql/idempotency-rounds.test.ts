import { it } from 'vitest';
import { startServer } from '../support/server.ts';
import { insertTeam } from '../support/team.ts';
import { sendRounds } from './idempotency-rounds.ts';

it('100 times 50 mutations under one key, sent at once to two nodes, are each done once', async () => {
  await using server = await startServer();
  await using other = await startServer({ databaseUrl: server.databaseUrl });
  await insertTeam(server.databaseUrl);
  await sendRounds([server, other], 100);
}, 300_000);
