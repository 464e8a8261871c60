import { request } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appOrigin,
  codeIn,
  documents,
  linkIn,
  type MailServer,
  newAddress,
  newNetwork,
  publicUrl,
  startMailServer,
  tokenIn,
} from '../support/mail-server.ts';
import { roundsOf } from '../support/rounds.ts';
import type { Answer } from '../support/server.ts';

// What is tried at links, codes and addresses: with the mail of somebody else, or without any.

let server: MailServer;
beforeAll(async () => {
  server = await startMailServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const codeOf = (answer: Answer) => answer.errors?.[0]?.extensions.code;
const signIn = (token: string) => server.from(documents.signIn, { token });
const age = (address: string) =>
  server.sql(`update millrace.auth_challenges set expires_at = now() where data ->> 'email' = $1`, [address]);
const sessionsOf = async (userId: string) =>
  (await server.sql('select 1 from auth_sessions where user_id = $1', [userId])).length;
const askCode = async (email: string, nth = 1) => {
  const { data } = await server.from(documents.code, { email });
  return { challenge: data.requestSignInCode.challenge as string, code: codeIn(await server.mailTo(email, nth)) };
};
const wrong = (code: string) => (code === '0000 0000' ? '0000 0001' : '0000 0000');
/** Somebody whose address is not verified, as if they had signed up by somebody else's. */
const squatter = async () => {
  const member = await server.member();
  const { userId } = member;
  await server.sql('update auth_accounts set email_verified_at = null where user_id = $1', [userId]);
  await server.sql(`insert into millrace.auth_passwords (user_id, hash) values ($1, 'x')`, [userId]);
  await server.sql(
    `insert into auth_identities (id, user_id, provider, issuer, subject) values (gen_random_uuid(), $1, 'x', 'https://x.test', $1)`,
    [userId],
  );
  await server.sql(`insert into auth_passkeys (id, user_id, name) values (gen_random_uuid(), $1, 'theirs')`, [userId]);
  return member;
};

describe('a link that is', () => {
  it('used once more is refused', async () => {
    const token = await server.link(newAddress());
    expect(codeOf(await signIn(token))).toBeUndefined();
    expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
  });

  it('used when its time is over is refused, and in the same words', async () => {
    const email = newAddress();
    const token = await server.link(email);
    await age(email);
    const late = await signIn(token);
    expect(codeOf(late)).toBe('UNAUTHENTICATED');
    expect(late.errors![0]!.message).toBe((await signIn('x'.repeat(43))).errors![0]!.message);
  });

  it('used when a newer one was sent is refused', async () => {
    const email = newAddress();
    const older = await server.link(email);
    const newer = await server.link(email, 2);
    expect(codeOf(await signIn(older))).toBe('UNAUTHENTICATED');
    expect(codeOf(await signIn(newer))).toBeUndefined();
  });

  it('used when the account has another address is refused', async () => {
    const member = await server.member();
    const token = await server.link(member.email, 2);
    const newEmail = newAddress();
    await member.query(documents.change, { newEmail });
    await member.query(documents.confirm, { token: tokenIn(await server.mailTo(newEmail)) });
    expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
  });

  it('used when the account was disabled is refused', async () => {
    const member = await server.member();
    const token = await server.link(member.email, 2);
    await server.sql('update auth_accounts set disabled_at = now() where user_id = $1', [member.userId]);
    expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
  });

  it('used when the account was deleted is refused, and makes no new one', async () => {
    const member = await server.member();
    const token = await server.link(member.email, 2);
    await server.sql('delete from users where id::text = $1', [member.userId]);
    expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
    expect(await server.sql('select 1 from auth_accounts where email = $1', [member.email])).toEqual([]);
  });

  it.each(['', 'x', '../x', "' or 1=1 --", '\0', 'x'.repeat(1_000), '🗝'.repeat(43)])(
    'made up (%#) is refused',
    async (token) => {
      expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
    },
  );

  it('fetched by a scanner, whatever it is for, is not used up', async () => {
    const member = await squatter();
    const newEmail = newAddress();
    await server.from(documents.link, { email: member.email });
    await server.mailTo(member.email, 2);
    await member.query(documents.verification);
    await member.query(documents.change, { newEmail });
    const links: [document: string, address: string, nth: number][] = [
      [documents.signIn, member.email, 2],
      [documents.verify, member.email, 3],
      [documents.confirm, newEmail, 1],
    ];
    const tokens = new Map<string, string>();
    for (const [document, address, nth] of links) {
      const mail = await server.mailTo(address, nth);
      const link = linkIn(mail);
      for (const method of ['GET', 'HEAD', 'GET']) {
        const { hash, pathname } = link;
        // A scanner that takes the fragment for a part of the path, or of the query, is one too.
        for (const path of [pathname, `${pathname}?${hash.slice(1)}`, `${pathname}%23${hash.slice(1)}`])
          await (await fetch(server.url + path, { method })).text();
      }
      tokens.set(document, tokenIn(mail));
    }
    for (const [document, token] of tokens) {
      const query = new URLSearchParams({ query: document, variables: JSON.stringify({ token }) });
      expect((await fetch(`${server.url}/graphql?${query}`)).status).toBe(405);
    }
    const used = (document: string) => member.query(document, { token: tokens.get(document) });
    expect((await used(documents.verify)).data).toEqual({ verifyEmail: true });
    expect((await used(documents.signIn)).data.signInWithLink.session.userId).toBe(member.userId);
    expect(codeOf(await used(documents.confirm))).toBeUndefined();
  });

  it('used by fifty at the same time lets in one', async () => {
    for (let round = 0; round < roundsOf(2); round += 1) {
      const { userId, email } = await server.member();
      const token = await server.link(email, 2);
      const answers = await Promise.all(Array.from({ length: 50 }, () => signIn(token)));
      expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
      expect(await sessionsOf(userId)).toBe(2);
    }
  });

  it('of one kind used as one of another is refused, and stays good', async () => {
    const member = await server.member();
    const newEmail = newAddress();
    await member.query(documents.change, { newEmail });
    const change = tokenIn(await server.mailTo(newEmail));
    const link = await server.link(member.email, 2);
    const { challenge } = await askCode(newAddress());
    for (const token of [change, challenge]) expect(codeOf(await signIn(token))).toBe('UNAUTHENTICATED');
    for (const document of [documents.verify, documents.confirm, documents.undo])
      for (const token of [link, challenge])
        expect(codeOf(await member.query(document, { token }))).toBe('UNAUTHENTICATED');
    expect(codeOf(await member.query(documents.verify, { token: change }))).toBe('UNAUTHENTICATED');
    expect(codeOf(await server.from(documents.undo, { token: change }))).toBe('UNAUTHENTICATED');
    for (const token of [link, change])
      expect(codeOf(await server.from(documents.signInWithCode, { challenge: token, code: '0000 0000' }))).toBe(
        'UNAUTHENTICATED',
      );
    expect(codeOf(await signIn(link))).toBeUndefined();
  });

  it('kept under an idempotency key is refused: the answer holds tokens', async () => {
    const token = await server.link(newAddress());
    const kept = await server.from(documents.signIn, { token }, undefined, { 'idempotency-key': crypto.randomUUID() });
    expect(codeOf(kept)).toBe('INVALID_INPUT');
    expect(codeOf(await signIn(token))).toBeUndefined();
  });
});

describe('a code', () => {
  it('is good once, also for fifty at the same time', async () => {
    const { userId, email } = await server.member();
    const asked = await askCode(email, 2);
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.from(documents.signInWithCode, asked)));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
    expect(await sessionsOf(userId)).toBe(2);
    expect(codeOf(await server.from(documents.signInWithCode, asked))).toBe('UNAUTHENTICATED');
  });

  it('is not good beside another challenge', async () => {
    const [mine, theirs] = [await askCode(newAddress()), await askCode(newAddress())];
    expect(codeOf(await server.from(documents.signInWithCode, { ...theirs, code: mine.code }))).toBe('UNAUTHENTICATED');
    expect(codeOf(await server.from(documents.signInWithCode, { ...mine, challenge: theirs.challenge }))).toBe(
      'UNAUTHENTICATED',
    );
  });

  it('is not good when its time is over', async () => {
    const email = newAddress();
    const asked = await askCode(email);
    await age(email);
    expect(codeOf(await server.from(documents.signInWithCode, asked))).toBe('UNAUTHENTICATED');
  });

  const tries: [string, (challenge: string, code: string) => Promise<unknown>][] = [
    [
      'one after the other',
      async (challenge, code) => {
        for (let i = 0; i < 6; i += 1) await server.from(documents.signInWithCode, { challenge, code });
      },
    ],
    [
      'by aliases',
      async (challenge, code) => {
        const field = (i: number) =>
          `a${i}: signInWithCode(challenge: "${challenge}", code: "${code}") { session { userId } }`;
        for (let i = 0; i < 6; i += 1)
          await server.from(`mutation { ${Array.from({ length: 20 }, (_, n) => field(n)).join(' ')} }`);
      },
    ],
    [
      'in batches',
      async (challenge, code) => {
        const one = { query: documents.signInWithCode, variables: { challenge, code } };
        for (let i = 0; i < 2; i += 1)
          await server.stranger.post(
            Array.from({ length: 10 }, () => one),
            { 'x-forwarded-for': newNetwork() },
          );
      },
    ],
    [
      'all at the same time',
      (challenge, code) =>
        Promise.all(Array.from({ length: 50 }, () => server.from(documents.signInWithCode, { challenge, code }))),
    ],
  ];
  it.each(tries)('is over after five wrong ones, tried %s', async (_title, attack) => {
    const { challenge, code } = await askCode(newAddress());
    await attack(challenge, wrong(code));
    const [row] = await server.sql(
      'select max(tries) as tries from millrace.auth_challenges where code is not null and tries > 4',
    );
    expect(row!.tries).toBe(5);
    expect(codeOf(await server.from(documents.signInWithCode, { challenge, code }))).toBe('UNAUTHENTICATED');
    await server.sql('delete from millrace.auth_challenges where code is not null');
  });

  it('tried without end from one network, at any challenges, is limited', async () => {
    const network = newNetwork();
    const answers = [];
    for (let i = 0; i < 62; i += 1)
      answers.push(
        codeOf(await server.from(documents.signInWithCode, { challenge: 'x'.repeat(43), code: '1' }, network)),
      );
    expect(answers.slice(0, 60)).toEqual(Array(60).fill('UNAUTHENTICATED'));
    expect(answers.slice(60)).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
  });

  it('used twice in one operation holds up nobody', async () => {
    const { challenge, code } = await askCode(newAddress());
    const field = `signInWithCode(challenge: "${challenge}", code: "${code}") { session { userId } }`;
    const begun = performance.now();
    const answer = await server.from(`mutation { a: ${field} b: ${field} }`);
    expect(answer.errors?.some(({ extensions }) => extensions.code === 'UNAUTHENTICATED')).toBe(true);
    // Whoever waits for itself is cut off by the statement's timeout, after ten seconds.
    expect(performance.now() - begun).toBeLessThan(9_000);
  });
});

describe('an account that somebody has made with another’s address', () => {
  it('is its owner’s alone when they come by a link: password, sessions, providers, passkeys are gone', async () => {
    const { userId, email, ...theirs } = await squatter();
    const { data } = await signIn(await server.link(email, 2));
    expect(data.signInWithLink.session.userId).toBe(userId);
    for (const table of ['millrace.auth_passwords', 'auth_identities', 'auth_passkeys'])
      expect(await server.sql(`select 1 from ${table} where user_id = $1`, [userId]), table).toEqual([]);
    expect(await sessionsOf(userId)).toBe(1);
    await expect
      .poll(async () => codeOf(await theirs.query('{ me { userId } }')), { timeout: 1000 })
      .toBe('UNAUTHENTICATED');
    expect(codeOf(await server.refresh(theirs.refreshToken))).toBe('UNAUTHENTICATED');
    const events = await server.sql(`select 1 from auth_events where user_id = $1 and kind = 'account-taken-over'`, [
      userId,
    ]);
    expect(events).toHaveLength(1);
  });

  it('is the same by a code', async () => {
    const { userId, email } = await squatter();
    expect(codeOf(await server.from(documents.signInWithCode, await askCode(email, 2)))).toBeUndefined();
    expect(await server.sql('select 1 from millrace.auth_passwords where user_id = $1', [userId])).toEqual([]);
  });

  it('is not given away where it may more than others', async () => {
    const { userId, email } = await squatter();
    await server.sql(`update auth_accounts set roles = '{editor}' where user_id = $1`, [userId]);
    expect(codeOf(await signIn(await server.link(email, 2)))).toBe('UNAUTHENTICATED');
    expect(await server.sql('select 1 from millrace.auth_passwords where user_id = $1', [userId])).toHaveLength(1);
  });

  it('is not verified by the owner of the address who follows the link of a mail that they did not ask for', async () => {
    const theirs = await squatter();
    await theirs.query(documents.verification);
    const token = tokenIn(await server.mailTo(theirs.email, 2));
    const owner = await server.member();
    expect(codeOf(await server.from(documents.verify, { token }))).toBe('UNAUTHENTICATED');
    expect(codeOf(await owner.query(documents.verify, { token }))).toBe('UNAUTHENTICATED');
    expect((await theirs.query('{ me { isEmailVerified } }')).data.me.isEmailVerified).toBe(false);
  });
});

describe('a change of address', () => {
  it('to another’s address does not come about by the owner’s following the link', async () => {
    const [thief, owner] = [await server.member(), await server.member()];
    const newEmail = newAddress();
    await thief.query(documents.change, { newEmail });
    const token = tokenIn(await server.mailTo(newEmail));
    for (const answer of [
      await owner.query(documents.confirm, { token }),
      await server.from(documents.confirm, { token }),
    ])
      expect(codeOf(answer)).toBe('UNAUTHENTICATED');
    expect((await owner.query('{ me { email } }')).data.me.email).toBe(owner.email);
  });

  it('to an address that has an account tells only the mailbox', async () => {
    const [one, other] = [await server.member(), await server.member()];
    const [taken, free] = [
      await one.query(documents.change, { newEmail: other.email }),
      await one.query(documents.change, { newEmail: newAddress() }),
    ];
    expect(taken).toEqual(free);
    const { mail } = await server.mailTo(other.email, 2);
    expect(mail.text).toContain('has an account there already');
    expect(mail.text).not.toContain('token=');
  });

  it('is refused when the address has an account by the time', async () => {
    const one = await server.member();
    const newEmail = newAddress();
    await one.query(documents.change, { newEmail });
    const token = tokenIn(await server.mailTo(newEmail));
    await signIn(await server.link(newEmail, 2));
    expect(codeOf(await one.query(documents.confirm, { token }))).toBe('UNAUTHENTICATED');
  });

  it('is followed once by fifty at the same time', async () => {
    const member = await server.member();
    const newEmail = newAddress();
    await member.query(documents.change, { newEmail });
    const token = tokenIn(await server.mailTo(newEmail));
    const answers = await Promise.all(Array.from({ length: 50 }, () => member.query(documents.confirm, { token })));
    expect(answers.filter(({ errors }) => !errors)).toHaveLength(1);
  });

  it('done twice by a thief is still undone by the first address, and not by the thief’s', async () => {
    const member = await server.member();
    const [second, third] = [newAddress(), newAddress()];
    for (const newEmail of [second, third]) {
      await member.query(documents.change, { newEmail });
      await member.query(documents.confirm, { token: tokenIn(await server.mailTo(newEmail)) });
    }
    const [first, thiefs] = [tokenIn(await server.mailTo(member.email, 2)), tokenIn(await server.mailTo(second, 2))];
    expect(codeOf(await server.from(documents.undo, { token: first }))).toBeUndefined();
    expect(codeOf(await server.from(documents.undo, { token: thiefs }))).toBe('UNAUTHENTICATED');
    const [account] = await server.sql('select email from auth_accounts where user_id = $1', [member.userId]);
    expect(account!.email).toBe(member.email);
  });
});

describe('a mail', () => {
  it.each<[string, Record<string, string>, string?]>([
    ['Host', { host: 'evil.test' }],
    ['X-Forwarded-Host', { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' }],
    ['Forwarded', { forwarded: 'host=evil.test;proto=https' }],
    ['X-Original-URL', { 'x-original-url': 'http://evil.test/graphql', 'x-rewrite-url': 'http://evil.test/graphql' }],
    ['Origin', { origin: 'https://evil.test', referer: 'https://evil.test/' }],
    ['an absolute address', {}, 'http://evil.test/graphql'],
  ])('never has an address of %s', async (_title, headers, path = '/graphql') => {
    const email = newAddress();
    const body = JSON.stringify({ query: documents.link, variables: { email } });
    const status = await new Promise<number>((resolve) => {
      const { hostname, port } = new URL(server.url);
      const sent = request(
        {
          hostname,
          port,
          path,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-forwarded-for': newNetwork(), ...headers },
        },
        (response) => {
          response.resume().on('end', () => resolve(response.statusCode!));
        },
      );
      sent.end(body);
    });
    if (status !== 200) {
      await server.quiet();
      return expect(server.smtp.received.some(({ recipients }) => recipients.includes(email))).toBe(false);
    }
    const mail = await server.mailTo(email);
    expect(linkIn(mail).origin).toBe(publicUrl);
    expect(mail.raw).not.toContain('evil');
  });

  it.each([
    '//evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    'https://evil.test',
    `${appOrigin}@evil.test`,
    `https://app.example.test.evil.test`,
    `https://evil.test/${appOrigin}`,
    `https://user:secret@app.example.test/`,
    'https://app.example.test:444/',
    'http://app.example.test/',
    'https://app。example。test.evil.test/',
    'https://app.example.test%00.evil.test/',
    'javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'blob:https://app.example.test/x',
    `https://evil.test\\@app.example.test/`,
    `${'x'.repeat(3000)}`,
  ])('never leads to anywhere else (%#)', async (redirectTo) => {
    const email = newAddress();
    const answer = await server.from(documents.link, { email, redirectTo });
    expect(codeOf(answer)).toBe('INVALID_INPUT');
    await server.quiet();
    expect(server.smtp.received.some(({ recipients }) => recipients.includes(email))).toBe(false);
  });

  it.each([
    'ann@example.test\r\nBcc: eve@evil.test',
    'ann@example.test\nX: y',
    'ann@example.test,eve@evil.test',
    'ann@example.test;eve@evil.test',
    'Ann <ann@example.test>',
    '"a@b.test"@example.test',
    'ann@example.test\0',
    'ann@[127.0.0.1]',
    'ann@example.test>\r\nRCPT TO:<eve@evil.test',
    'ann\u202e@example.test',
  ])('is never sent to %j', async (email) => {
    const before = server.smtp.received.length;
    for (const document of [documents.link, documents.code])
      expect(codeOf(await server.from(document, { email }))).toBe('INVALID_INPUT');
    await server.quiet();
    expect(server.smtp.received.length).toBe(before);
  });

  it('goes to the address as it is kept, never to one that only looks like it', async () => {
    const email = newAddress();
    const { userId } = await server.member(email);
    await server.from(documents.link, { email: ` ${email.toUpperCase().replace('PERSON', 'ＰＥＲＳＯＮ')}` });
    const mail = await server.mailTo(email, 2);
    expect(mail.recipients).toEqual([email]);
    expect((await signIn(tokenIn(mail))).data.signInWithLink.session.userId).toBe(userId);
  });

  it('leaves nothing in the log: no token, no code, no address', async () => {
    const email = newAddress();
    const { challenge, code } = await askCode(email);
    const token = await server.link(email, 2);
    await server.from(documents.signInWithCode, { challenge, code: wrong(code) });
    await signIn(token);
    await signIn(token);
    await server.from('mutation { signInWithLink(token: 1) { session { userId } } }');
    // That something is logged at all, when it goes wrong.
    await server.sql(
      `insert into millrace.mail_jobs (kind, payload) values ('sign-in-link', '{"email": ["${email}", "${token}"]}')`,
    );
    await expect.poll(() => server.logged.join(''), { timeout: 5000 }).toContain('a mail was given up');
    for (const secret of [token, challenge, code, code.replace(' ', ''), email])
      expect(server.logged.join('')).not.toContain(secret);
  });

  it('leaves nothing in the database by which one could sign in', async () => {
    const email = newAddress();
    const { challenge, code } = await askCode(email);
    const token = await server.link(email, 2);
    const tables = ['millrace.auth_challenges', 'millrace.mail_jobs', 'auth_events', 'event_log', 'event_inbox'];
    for (const table of tables) {
      const [found] = await server.sql(`select to_regclass($1) is not null as there`, [table]);
      const name = found!.there ? table : `millrace.${table}`;
      const rows = JSON.stringify(await server.sql(`select t::text from ${name} t`));
      for (const secret of [token, challenge, code, code.replace(' ', ''), Buffer.from(token).toString('hex')])
        expect(rows, table).not.toContain(secret);
    }
  });
});

describe('whoever wants to know who has an account', () => {
  it.each([
    ['links', documents.link],
    ['codes', documents.code],
  ])('is answered the same when they ask for %s, headers included', async (_title, query) => {
    const disabled = await server.member();
    await server.sql('update auth_accounts set disabled_at = now() where user_id = $1', [disabled.userId]);
    const addresses = [(await server.member()).email, newAddress(), disabled.email];
    const answers = await Promise.all(
      addresses.map(async (email) => {
        const response = await server.stranger.post(
          { query, variables: { email } },
          { 'x-forwarded-for': newNetwork() },
        );
        const headers = [...response.headers].filter(([name]) => name !== 'date');
        const text = (await response.text()).replace(/"[\w-]{43}"/, '""').replace(/"\d{4}-[^"]*Z"/, '""');
        return { status: response.status, headers, text };
      }),
    );
    expect(new Set(answers.map((a) => JSON.stringify(a))).size).toBe(1);
  });

  it('can tell nothing by the time: no request looks whether there is one', async () => {
    const { email } = await server.member();
    await server.quiet();
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    try {
      // Who looked, would wait for this.
      await client.query('begin; lock table auth_accounts, millrace.auth_challenges in access exclusive mode');
      for (const query of [documents.link, documents.code])
        for (const address of [email, newAddress()])
          expect(codeOf(await server.from(query, { email: address }))).toBeUndefined();
    } finally {
      await client.query('rollback');
      await client.end();
    }
    await server.quiet();
  });

  it('is limited the same for addresses with and without an account', async () => {
    for (const email of [(await server.member()).email, newAddress()]) {
      const network = newNetwork();
      const answers = [];
      for (let i = 0; i < 6; i += 1) answers.push(await server.from(documents.link, { email }, network));
      expect(answers.slice(0, 5).map(codeOf)).toEqual(Array(5).fill(undefined));
      expect(answers[5]!.errors![0]!.extensions).toMatchObject({
        code: 'RATE_LIMITED',
        retryAfter: expect.any(Number),
      });
    }
  });
});

describe('a flood of mails', () => {
  it('to one address from everywhere ends after twenty, however it is written', async () => {
    const email = newAddress();
    const ways = [email, email.toUpperCase(), ` ${email}`, email.replace('p', 'ｐ')];
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        server.from(i % 2 ? documents.link : documents.code, { email: ways[i % 4] }),
      ),
    );
    expect(answers.filter((a) => codeOf(a) === 'RATE_LIMITED')).toHaveLength(4);
    await server.quiet();
    expect(server.smtp.received.filter(({ recipients }) => recipients.includes(email))).toHaveLength(20);
  });

  it('from one network to everywhere ends after fifty', async () => {
    const network = newNetwork();
    const answers = await Promise.all(
      Array.from({ length: 52 }, () => server.from(documents.link, { email: newAddress() }, network)),
    );
    expect(answers.filter((a) => codeOf(a) === 'RATE_LIMITED')).toHaveLength(2);
  });

  it('by aliases counts each, and an operation that fails sends none', async () => {
    const email = newAddress();
    const fields = Array.from({ length: 6 }, (_, i) => `a${i}: requestSignInLink(email: "${email}")`);
    expect(codeOf(await server.from(`mutation { ${fields.join(' ')} }`))).toBe('RATE_LIMITED');
    await server.quiet();
    expect(server.smtp.received.filter(({ recipients }) => recipients.includes(email))).toHaveLength(0);
  });

  it('that an account causes at others ends after ten', async () => {
    const member = await server.member();
    const answers = [];
    for (let i = 0; i < 11; i += 1)
      answers.push(codeOf(await member.query(documents.change, { newEmail: newAddress() })));
    expect(answers.at(-1)).toBe('RATE_LIMITED');
  });
});
