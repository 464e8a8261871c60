import { describe, expect, it } from 'vitest';
import { ask } from '../support/postgres.ts';
import { startServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

const document = `subscription ($after: String) { taskChanges(after: $after) { type reason cursor node { title } } }`;

describe('a change that PostgreSQL cannot judge', () => {
  it('is told as RESYNC, to those who listen and to those who come back, and what is around it is told as ever', async () => {
    await using server = await startServer();
    await insertTeam(server.databaseUrl);
    const sql = (text: string) => ask(server.databaseUrl, text);
    const rename = (title: string) => `update tasks set title = '${title}' where id = '${team.pond}';`;
    // As an image is whose column had another type when it was written.
    const unreadable = `insert into millrace.event_inbox (relation, operation, new) values ('public.tasks', 'I', '{"id":"17"}');`;
    await using socket = await openSocket(server, { sub: team.ann });
    const changes = socket.subscribe(document);
    const { taskChanges: start } = (await changes.next()) as { taskChanges: { cursor: string } };
    await sql(`begin; ${rename('before')} ${unreadable} ${rename('between')} ${unreadable} ${rename('after')} commit`);
    const expected = [
      { type: 'UPDATED', node: { title: 'before' } },
      { type: 'RESYNC', reason: 'FAILED', node: null },
      { type: 'UPDATED', node: { title: 'between' } },
      { type: 'RESYNC', reason: 'FAILED', node: null },
      { type: 'UPDATED', node: { title: 'after' } },
    ];
    for (const change of expected) expect(await changes.next()).toMatchObject({ taskChanges: change });
    const again = socket.subscribe(document, { after: start.cursor });
    for (const change of expected) expect(await again.next()).toMatchObject({ taskChanges: change });
    await sql(rename('later'));
    for (const stream of [changes, again]) {
      expect(await stream.next()).toMatchObject({ taskChanges: { type: 'UPDATED', node: { title: 'later' } } });
    }
  });
});
