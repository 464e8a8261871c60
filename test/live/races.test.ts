import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begun, heardUntil, nextChange } from '../support/heard.ts';
import { holdTable } from '../support/held-table.ts';
import { ask } from '../support/postgres.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type ChangeStream, openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());

// What a statement that judges tasks looks at besides them is who is a member: whoever holds that table holds it up.
const document =
  'subscription ($after: String) { taskChanges(after: $after) { type reason cursor node { priority } } }';
const rank = (priority: number) =>
  ask(server.databaseUrl, `update tasks set priority = ${priority} where id = '${team.pond}'`);
const priorityOf = async (stream: ChangeStream) => (await nextChange(stream)).node?.priority;

describe('while a stretch is being judged', () => {
  it('one who comes, the first of their class, hears of it too', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    await using ben = await openSocket(server, { sub: team.ben });
    const first = ann.subscribe(document);
    await begun(first);
    await using members = await holdTable(server.databaseUrl, 'members');
    await rank(101);
    await members.reached();
    const late = ben.subscribe(document);
    await begun(late);
    await members.letGo();
    expect(await priorityOf(first)).toBe(101);
    expect(await priorityOf(late)).toBe(101);
    await rank(102);
    expect(await priorityOf(late)).toBe(102);
  });

  it('one who goes and comes back hears of it once', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const first = ann.subscribe(document);
    const other = ann.subscribe(document);
    const after = await begun(first);
    await begun(other);
    await using members = await holdTable(server.databaseUrl, 'members');
    await rank(111);
    await members.reached();
    first.stop();
    const again = ann.subscribe(document, { after });
    await members.letGo();
    await rank(112);
    expect((await heardUntil(again, ({ node }) => node?.priority === 112)).map(({ node }) => node.priority)).toEqual([
      111,
    ]);
    expect(await priorityOf(other)).toBe(111);
  });
});

describe('a statement that fails', () => {
  it('is tried again though nothing more is written: changes', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const changes = ann.subscribe(document);
    await begun(changes);
    await using members = await holdTable(server.databaseUrl, 'members');
    await rank(121);
    await members.reached();
    await members.cancel();
    // The next try, which fails as well.
    await members.reached();
    await members.cancel();
    await members.letGo();
    expect(await priorityOf(changes)).toBe(121);
    expect(changes.waiting).toEqual([]);
  });

  it('is tried again though nothing more is written: a live query', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const answers = ann.subscribe(
      `query @live { tasks(where: { id: { equals: "${team.pond}" } }) { nodes { priority } } }`,
    );
    await answers.next();
    await using members = await holdTable(server.databaseUrl, 'members');
    await rank(131);
    await members.reached();
    await members.cancel();
    await members.letGo();
    expect(await answers.next()).toEqual({ tasks: { nodes: [{ priority: 131 }] } });
  });
});

describe('clients that come back together', () => {
  it('are told by the statement that tells those who came', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const first = ann.subscribe(document);
    const after = await begun(first);
    const streams = [first, ann.subscribe(document, { after }), ann.subscribe(document, { after: null })];
    await rank(138);
    for (const stream of streams) await heardUntil(stream, ({ node }) => node?.priority === 138);
    await using members = await holdTable(server.databaseUrl, 'members');
    await rank(139);
    await members.reached();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await members.waiting()).toHaveLength(1);
    await members.letGo();
    for (const stream of streams) expect(await priorityOf(stream)).toBe(139);
  });

  it('wait for one statement at a time, and each hears all that it has missed, once, though one of them fails', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const before = ann.subscribe(document);
    const after = await begun(before);
    for (const priority of [141, 142, 143]) await rank(priority);
    await heardUntil(before, ({ node }) => node?.priority === 143);
    before.stop();
    // The statement of those who come with a cursor is prepared by one of them; the feed ends with it.
    const warm = ann.subscribe(document, { after });
    await heardUntil(warm, ({ node }) => node?.priority === 143);
    warm.stop();
    await using members = await holdTable(server.databaseUrl, 'members');
    const streams = Array.from({ length: 20 }, () => ann.subscribe(document, { after }));
    await members.reached();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await members.waiting()).toHaveLength(1);
    await members.cancel();
    await members.reached();
    await members.letGo();
    for (const stream of streams) {
      const heard = await heardUntil(stream, ({ node }) => node?.priority === 143);
      expect(heard.map(({ node }) => node.priority)).toEqual([141, 142]);
    }
  });
});

describe('a log that is shorter than what was told of it, and says it is the same', () => {
  it('is told as another one, and goes on', async () => {
    await using ann = await openSocket(server, { sub: team.ann });
    const changes = ann.subscribe(document);
    await begun(changes);
    for (const priority of [151, 152]) await rank(priority);
    const heard = await heardUntil(changes, ({ node }) => node?.priority === 152);
    expect(heard).toHaveLength(1);
    await ask(
      server.databaseUrl,
      `with head as (update millrace.event_head set seq = seq - 1 returning seq)
       delete from millrace.event_log where seq > (select seq from head)`,
    );
    expect(await nextChange(changes)).toMatchObject({ type: 'RESYNC', reason: 'RESTARTED' });
    await rank(153);
    expect(await priorityOf(changes)).toBe(153);
  });
});
