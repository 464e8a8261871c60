import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/context.ts';
import { defineSchema, MillraceError } from '../../src/graphql/define-schema.ts';
import { ask } from '../support/postgres.ts';
import { exampleWithoutAccounts, startServer, type TestServer } from '../support/server.ts';
import { openSocket } from '../support/socket.ts';
import { insertTeam, team } from '../support/team.ts';

let server: TestServer;
const happened: string[] = [];
let tries = 0;
beforeAll(async () => {
  const sources = await exampleWithoutAccounts();
  const extend = defineSchema(({ mutationField, queryField }) => {
    const note = (name: string, { afterCommit, client }: Context) => {
      afterCommit(() => {
        happened.push(name);
        client.setCookie?.('access', name, 60);
      });
      return true;
    };
    queryField('noted', 'everyone', (t) => t.boolean({ resolve: (_root, _args, context) => note('query', context) }));
    mutationField('note', 'everyone', (t) =>
      t.boolean({
        args: { name: t.arg.string({ required: true }) },
        resolve: (_root, { name }, context) => note(name, context),
      }),
    );
    mutationField('fail', 'everyone', (t) =>
      t.boolean({
        resolve: () => {
          throw new MillraceError('CONFLICT', 'no');
        },
      }),
    );
    mutationField('contend', 'everyone', (t) =>
      t.boolean({
        async resolve(_root, _args, context) {
          note('contended', context);
          tries += 1;
          if (tries < 3) await context.db.script(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
          return true;
        },
      }),
    );
    mutationField('failAfterwards', 'everyone', (t) =>
      t.boolean({
        resolve: (_root, _args, context) => {
          context.afterCommit(() => {
            throw new Error('an effect fails');
          });
          return note('after a failure', context);
        },
      }),
    );
  });
  server = await startServer({ sources: { ...sources, extend } });
  await insertTeam(server.databaseUrl);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  happened.length = 0;
});

const cookiesOf = async (query: string, headers = {}) => {
  const response = await server.stranger.post({ query }, headers);
  return { cookies: response.headers.getSetCookie(), answer: await response.json() };
};

describe('what follows a mutation', () => {
  it('happens when it is committed, in the order in which it was asked for, and reaches the answer', async () => {
    const { cookies } = await cookiesOf('mutation { a: note(name: "a") b: note(name: "b") }');
    expect(happened).toEqual(['a', 'b']);
    expect(cookies).toEqual([
      'millrace=a; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
      'millrace=b; Max-Age=60; Path=/; HttpOnly; SameSite=Lax',
    ]);
  });

  it('does not happen when another field fails', async () => {
    const { cookies, answer } = await cookiesOf('mutation { note(name: "a") fail }');
    expect(answer).toMatchObject({
      errors: [{ extensions: { code: 'CONFLICT' } }, { extensions: { code: 'ROLLED_BACK' } }],
    });
    expect(happened).toEqual([]);
    expect(cookies).toEqual([]);
  });

  it('does not happen when the commit fails', async () => {
    const query = `mutation { note(name: "a") updateTask(where: { id: "${team.pond}" }, data: { title: "Never" }) { id } }`;
    await ask(
      server.databaseUrl,
      `create function refuse_all() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
       create constraint trigger refuse_all after update on tasks deferrable initially deferred for each row execute function refuse_all()`,
    );
    const response = await server.as({ role: 'admin' }).post({ query });
    await ask(server.databaseUrl, 'drop trigger refuse_all on tasks');
    expect(await response.json()).toMatchObject({ data: null });
    expect(happened).toEqual([]);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it('does not happen in a preview', async () => {
    const { cookies, answer } = await cookiesOf('mutation @preview { note(name: "a") }');
    expect(answer).toMatchObject({ data: { note: true } });
    expect(happened).toEqual([]);
    expect(cookies).toEqual([]);
  });

  it('happens once when the operation is done again because another came between', async () => {
    const { cookies, answer } = await cookiesOf('mutation { contend }');
    expect(answer).toEqual({ data: { contend: true } });
    expect(tries).toBe(3);
    expect(happened).toEqual(['contended']);
    expect(cookies).toHaveLength(1);
  });

  it('happens in each operation of a list by itself', async () => {
    const list = ['mutation { note(name: "a") }', 'mutation { note(name: "b") fail }', 'mutation { note(name: "c") }'];
    const response = await server.stranger.post(list.map((query) => ({ query })));
    expect(await response.json()).toHaveLength(3);
    expect(happened).toEqual(['a', 'c']);
    expect(response.headers.getSetCookie()).toHaveLength(2);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('that fails spoils neither the answer nor what else follows', async () => {
    const { answer } = await cookiesOf('mutation { failAfterwards }');
    expect(answer).toEqual({ data: { failAfterwards: true } });
    expect(happened).toEqual(['after a failure']);
  });

  it('happens on a socket too, where cookies cannot be set', async () => {
    await using socket = await openSocket(server);
    expect(await socket.subscribe('mutation { note(name: "a") }').next()).toEqual({ note: true });
    expect(happened).toEqual(['a']);
  });
});

it('outside of mutations it happens at once', async () => {
  await cookiesOf('{ noted }');
  expect(happened).toEqual(['query']);
});
