import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MailFacts } from '../../../src/modules/auth/define-accounts.ts';
import {
  appOrigin,
  codeIn,
  documents,
  linkIn,
  type MailServer,
  newAddress,
  publicUrl,
  startMailServer,
  tokenIn,
} from '../../support/mail-server.ts';
import { startWholeServer } from '../../support/server.ts';

let server: MailServer;
beforeAll(async () => {
  server = await startMailServer({
    name: 'The <Mill>',
    mails: {
      'sign-in-code': ({ app, code, minutes }: MailFacts) => ({
        subject: `${app}:\r\nBcc: eve@evil.test`,
        text: `Own words.\n\n${code}\n\n${minutes}`,
      }),
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const codeOf = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.[0]?.extensions.code;

describe('a link', () => {
  it('signs up whoever has the address, and in the next time', async () => {
    const email = newAddress();
    const first = await server.member(email);
    const { data } = await first.query('{ me { userId kind email isEmailVerified hasPassword } }');
    expect(data.me).toEqual({ userId: first.userId, kind: 'PERSON', email, isEmailVerified: true, hasPassword: false });
    expect(
      (await server.from(documents.signIn, { token: await server.link(email, 2) })).data.signInWithLink.session.userId,
    ).toBe(first.userId);
    const events = await server.sql('select kind, details from auth_events where user_id = $1 order by id', [
      first.userId,
    ]);
    expect(events.map(({ kind }) => kind)).toEqual(['signed-up', 'signed-in', 'signed-in']);
    expect(events.at(-1)!.details).toEqual({ method: 'link' });
  });

  it('leads to our own page, or to a page that may have it, with the token where no server sees it', async () => {
    const [one, other] = [newAddress(), newAddress()];
    await server.from(documents.link, { email: one });
    await server.from(documents.link, { email: other, redirectTo: `${appOrigin}/in?next=%2Fa#gone` });
    const [ours, theirs] = [linkIn(await server.mailTo(one)), linkIn(await server.mailTo(other))];
    expect(ours.origin + ours.pathname + ours.search).toBe(`${publicUrl}/auth/link`);
    expect(theirs.href.split('#')[0]).toBe(`${appOrigin}/in?next=%2Fa`);
    for (const { hash } of [ours, theirs]) expect(hash).toMatch(/^#for=sign-in-link&token=[\w-]{43}$/);
  });

  it('is written in text and in HTML, in which nothing of a name is markup', async () => {
    const { mail } = await server.mailTo((await server.member()).email);
    expect(mail.subject).toBe('Sign in to The <Mill>');
    expect(mail.text).toContain('It is good once, for 15 minutes.');
    expect(mail.html).toContain('<a href="https://api.example.test/auth/link#');
    expect(mail.html).not.toContain('<Mill>');
  });

  it('signs nobody in who has a second factor, but asks for it', async () => {
    const { userId, email } = await server.member();
    await server.sql(`insert into millrace.auth_totp (user_id, secret, confirmed_at) values ($1, 'x', now())`, [
      userId,
    ]);
    const { data } = await server.from(documents.signIn, { token: await server.link(email, 2) });
    expect(data.signInWithLink).toEqual({ session: null, secondFactor: { token: expect.any(String) } });
  });

  it('is not sent to an account that is disabled', async () => {
    const { userId, email } = await server.member();
    await server.sql('update auth_accounts set disabled_at = now() where user_id = $1', [userId]);
    expect(await server.from(documents.link, { email })).toEqual({ data: { requestSignInLink: true } });
    await server.quiet();
    expect(server.smtp.received.filter((m) => m.recipients.includes(email))).toHaveLength(1);
  });
});

describe('a code', () => {
  it('signs in beside its challenge, with or without its space, in the words of the application', async () => {
    const email = newAddress();
    const asked = (await server.from(documents.code, { email })).data.requestSignInCode;
    expect(Date.parse(asked.expiresAt) - Date.now()).toBeLessThanOrEqual(600_000);
    const mail = await server.mailTo(email);
    expect(mail.mail.text).toMatch(/^Own words\.\n\n\d{4} \d{4}\n\n10$/);
    expect(mail.mail.subject).toBe('The <Mill>: Bcc: eve@evil.test');
    expect(mail.recipients).toEqual([email]);
    const code = codeIn(mail).replace(' ', '');
    const { data } = await server.from(documents.signInWithCode, { challenge: asked.challenge, code });
    expect(data.signInWithCode.session.accessToken).toMatch(/^ey/);
  });
});

describe('an address', () => {
  /** Whose account has an address that nobody has verified. */
  const unverified = async () => {
    const member = await server.member();
    await server.sql('update auth_accounts set email_verified_at = null where user_id = $1', [member.userId]);
    return member;
  };

  it('is verified by a link, for whoever is signed in', async () => {
    const member = await unverified();
    expect(await member.query(documents.verification)).toEqual({ data: { requestEmailVerification: true } });
    const mail = await server.mailTo(member.email, 2);
    expect(linkIn(mail).hash).toContain('for=verify-email');
    expect(await member.query(documents.verify, { token: tokenIn(mail) })).toEqual({ data: { verifyEmail: true } });
    expect((await member.query('{ me { isEmailVerified } }')).data.me.isEmailVerified).toBe(true);
  });

  it('becomes another one by a link to that, in the user’s row too; the one before is told', async () => {
    const member = await server.member();
    const newEmail = newAddress();
    expect(await member.query(documents.change, { newEmail })).toEqual({ data: { requestEmailChange: true } });
    const token = tokenIn(await server.mailTo(newEmail));
    expect((await member.query('{ me { email } }')).data.me.email).toBe(member.email);
    expect(await member.query(documents.confirm, { token })).toEqual({ data: { confirmEmailChange: true } });
    const { data } = await member.query('{ me { email isEmailVerified } users { nodes { email } } }');
    expect(data).toEqual({ me: { email: newEmail, isEmailVerified: true }, users: { nodes: [{ email: newEmail }] } });
    const told = await server.mailTo(member.email, 2);
    expect(told.mail.text).toContain('within 72 hours');
    expect(linkIn(told).hash).toContain('for=undo-email-change');
    expect(told.mail.text).not.toContain(newEmail);
  });

  it('is put back by whoever has it: sessions, password, and what was added since are gone', async () => {
    const member = await server.member();
    const { userId } = member;
    const identity = (subject: string, hoursAgo: number) =>
      server.sql(
        `insert into auth_identities (id, user_id, provider, issuer, subject, created_at)
          values (gen_random_uuid(), $1, 'x', 'https://x.test', $2, now() - make_interval(hours => $3))`,
        [userId, subject, hoursAgo],
      );
    await identity(`before ${userId}`, 25);
    await identity(`shortly before ${userId}`, 1);
    const thief = newAddress();
    await member.query(documents.change, { newEmail: thief });
    await member.query(documents.confirm, { token: tokenIn(await server.mailTo(thief)) });
    await identity(`since ${userId}`, 0);
    await server.sql(`insert into millrace.auth_passwords (user_id, hash) values ($1, 'x')`, [userId]);
    const token = tokenIn(await server.mailTo(member.email, 2));
    expect(await server.from(documents.undo, { token })).toEqual({ data: { undoEmailChange: true } });
    const [account] = await server.sql('select email from auth_accounts where user_id = $1', [userId]);
    expect(account).toEqual({ email: member.email });
    for (const table of ['auth_sessions', 'millrace.auth_passwords', 'millrace.auth_challenges'])
      expect(await server.sql(`select 1 from ${table} where user_id = $1`, [userId]), table).toEqual([]);
    const left = await server.sql('select subject from auth_identities where user_id = $1', [userId]);
    expect(left).toEqual([{ subject: `before ${userId}` }]);
    expect(codeOf(await server.from(documents.undo, { token }))).toBe('UNAUTHENTICATED');
  });

  it('is told nothing of when it was never verified, for it may be a stranger’s', async () => {
    const member = await unverified();
    const newEmail = newAddress();
    await member.query(documents.change, { newEmail });
    await member.query(documents.confirm, { token: tokenIn(await server.mailTo(newEmail)) });
    await server.quiet();
    expect(server.smtp.received.filter((m) => m.recipients.includes(member.email))).toHaveLength(1);
  });

  it('is not changed by whoever has not signed in a short while ago', async () => {
    const member = await server.member();
    await server.sql(`update auth_sessions set authenticated_at = now() - interval '11 minutes' where id = $1`, [
      member.sessionId,
    ]);
    await expect
      .poll(async () => codeOf(await member.query(documents.change, { newEmail: newAddress() })), { timeout: 2000 })
      .toBe('FORBIDDEN');
  });
});

describe('without a way to send mails', () => {
  it('nothing of it can be had, and mails are shown to nobody', async () => {
    await using silent = await startWholeServer();
    const { errors } = await silent.stranger.query(documents.link, { email: newAddress() });
    expect(errors![0]!.extensions.code).toBe('UNAVAILABLE');
    for (const asker of [silent.stranger, silent.as({ role: 'admin' })])
      expect(codeOf(await asker.query('{ devMails { text } }'))).toBe('FORBIDDEN');
  });

  it('they are shown to a developer on the same machine', async () => {
    await using own = await startWholeServer({ config: (c) => ({ ...c, mail: { kind: 'outbox' } }) });
    const email = newAddress();
    await own.stranger.query(documents.link, { email });
    const list = async (headers = {}) =>
      (await (
        await own.stranger.post({ query: '{ devMails(first: 1) { to subject text html at } }' }, headers)
      ).json()) as {
        data?: { devMails: { to: string; text: string }[] };
      };
    await expect.poll(async () => (await list()).data?.devMails[0]?.to, { timeout: 5000 }).toBe(email);
    expect((await list()).data!.devMails[0]!.text).toContain('#for=sign-in-link&token=');
  });

  it('the page that links lead to is the same for everybody, and runs nothing but its own', async () => {
    const pages = await Promise.all(['', '?token=x', '?for=<script>'].map((q) => fetch(`${server.url}/auth/link${q}`)));
    const texts = await Promise.all(pages.map((p) => p.text()));
    expect(new Set(texts).size).toBe(1);
    const policy = pages[0]!.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain('unsafe');
    expect(pages[0]!.headers.get('referrer-policy')).toBe('no-referrer');
    expect(texts[0]).not.toMatch(/(src|href)=/);
  });
});
