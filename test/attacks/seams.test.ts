import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oidc } from '../../src/modules/auth/oauth/provider.ts';
import { type AccountServer, startAccountServer } from '../support/accounts.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { mailTo, makePerson, tokenIn, withOutbox } from '../support/people.ts';
import { ask } from '../support/postgres.ts';
import type { Answer } from '../support/server.ts';
import { fragmentOf, freePort, makeVerifier, openBrowser } from '../support/sign-in-browser.ts';

// What is tried where one part of accounts meets another, and where several fields stand in one document.

type Options = Parameters<typeof startAccountServer>[0];
const password = 'violet-harbour-tango-9931';
const start = (accounts: NonNullable<Options>['accounts'] = {}, port = 9): Promise<AccountServer> =>
  startAccountServer({
    accounts,
    config: (config) =>
      withOutbox({
        ...config,
        ...(port !== 9 && { http: { ...config.http, port } }),
        accounts: { ...config.accounts, publicUrl: `http://localhost:${port}` },
      }),
  });
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;

let server: AccountServer;
beforeAll(async () => {
  server = await start();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('several fields in one document', () => {
  const device =
    'registerDevice(name: "x", publicKey: {kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})';

  it.each([['createApiKey(name: "x", scopes: ["read"]) { id }'], [device], ['deleteMyAccount']])(
    'do not wait for what the same document has locked: %s',
    async (first) => {
      const person = await makePerson(server);
      const begun = Date.now();
      await person.query(`mutation { a: ${first} b: startPasskeySignIn(reauthenticate: true) }`);
      expect(Date.now() - begun).toBeLessThan(4000);
    },
  );

  it('do not wait for the code of an app, or a recovery code, that the same document has taken away', async () => {
    const person = await makePerson(server);
    await ask(
      server.databaseUrl,
      `insert into millrace.auth_challenges (hash, kind, user_id, expires_at)
        values (sha256('passkey-registration\\000AAAAAAAAAAAAAAAAAAAAAAAA'::bytea), 'passkey-registration', '${person.userId}', now() + interval '1 minute')`,
    );
    const clientDataJSON = Buffer.from(
      JSON.stringify({ type: 'webauthn.create', challenge: 'AAAAAAAAAAAAAAAAAAAAAAAA', origin: 'http://localhost:9' }),
    ).toString('base64url');
    const response = {
      id: 'AAAA',
      rawId: 'AAAA',
      type: 'public-key',
      response: { clientDataJSON, attestationObject: 'AAAA' },
    };
    const begun = Date.now();
    const answer = await person.query(
      `mutation ($response: JSON!) { a: startPasskeyRegistration b: finishPasskeyRegistration(response: $response, name: "x") { id } }`,
      { response },
    );
    expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['INVALID_INPUT', 'ROLLED_BACK']);
    expect(Date.now() - begun).toBeLessThan(4000);
  });

  it('as many as there are connections keep nobody waiting for one more', async () => {
    const guest = await server.guest();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        guest.query(`mutation { a: ${device} b: startPasskeySignIn(reauthenticate: true) }`),
      ),
    );
    expect(answers.flatMap(({ errors = [] }) => errors)).toEqual([]);
  });
});

it('of a password no plain hash is kept under an idempotency key', async () => {
  const { accessToken } = await makePerson(server);
  const response = await server.stranger.post(
    { query: 'mutation ($p: String!) { changePassword(newPassword: $p) }', variables: { p: password } },
    { authorization: `Bearer ${accessToken}`, 'idempotency-key': 'a-key-of-the-client-0001' },
  );
  expect(codeOf((await response.json()) as Answer)).toBe('INVALID_INPUT');
  expect(await ask(server.databaseUrl, 'select 1 from millrace.idempotency')).toEqual([]);
});

it('what was planted just before an address was changed goes when that is undone', async () => {
  const owner = await makePerson(server, { email: 'owner@undo.test' });
  const { data } = await owner.query('mutation { createApiKey(name: "x", scopes: ["*", "accounts"]) { secret } }');
  await owner.query('mutation { requestEmailChange(newEmail: "evil@undo.test") }');
  const change = tokenIn(await mailTo(server, 'evil@undo.test'));
  await owner.query('mutation ($t: String!) { confirmEmailChange(token: $t) }', { t: change });
  await ask(
    server.databaseUrl,
    `insert into millrace.auth_totp (user_id, secret, confirmed_at) values ('${owner.userId}', 'x', now())`,
  );
  const undo = tokenIn(await mailTo(server, 'owner@undo.test'));
  await server.stranger.query('mutation ($t: String!) { undoEmailChange(token: $t) }', { t: undo });
  const { secret } = data.createApiKey;
  await expect.poll(async () => codeOf(await server.bearer(secret).query('{ me { userId } }'))).toBe('UNAUTHENTICATED');
  const left = await ask(server.databaseUrl, `select 1 from millrace.auth_totp where user_id = '${owner.userId}'`);
  expect(left).toEqual([]);
});

it('a guest is no way round a closed sign-up, by a provider', async () => {
  await using theirs = await startIdentityProvider();
  const { issuer, clientId, clientSecret } = theirs;
  const port = await freePort();
  const accounts = { signUp: 'closed' as const, providers: { theirs: oidc({ issuer, clientId, clientSecret }) } };
  await using closed = await start(accounts, port);
  const guest = await closed.guest();
  const { verifier, challenge } = makeVerifier();
  const begun = await guest.query(
    'mutation ($c: String!) { startIdentityLink(provider: "theirs", redirectTo: "/x", challenge: $c) { url } }',
    { c: challenge },
  );
  const person = { sub: 'evil', email: 'evil@closed.test', email_verified: true };
  const back = await openBrowser().visit(theirs.signIn(begun.data.startIdentityLink.url, person).url);
  const code = fragmentOf(back.headers.get('location')).get('code');
  const finish = 'mutation ($c: String!, $v: String!) { finishIdentityLink(code: $c, verifier: $v) { id } }';
  expect(codeOf(await guest.query(finish, { c: code, v: verifier }))).toBe('FORBIDDEN');
  expect((await guest.query('{ me { kind } }')).data.me.kind).toBe('GUEST');
});

it('an invitation that was taken back lets nobody sign up by a link of before', async () => {
  await using invited = await start({ signUp: 'invited' });
  const owner = await makePerson(invited);
  const made = await owner.query('mutation { createOrganization(name: "x") { organizationId } }');
  const id = made.data.createOrganization.organizationId;
  await owner.query('mutation ($id: ID!) { inviteToOrganization(organizationId: $id, email: "i@invited.test") }', {
    id,
  });
  await mailTo(invited, 'i@invited.test');
  await invited.stranger.query('mutation { requestSignInLink(email: "i@invited.test") }');
  const t = tokenIn(await mailTo(invited, 'i@invited.test', 1));
  await ask(invited.databaseUrl, 'delete from organization_invitations');
  const answer = await invited.stranger.query(
    'mutation ($t: String!) { signInWithLink(token: $t) { session { userId } } }',
    { t },
  );
  expect(codeOf(answer)).toBe('UNAUTHENTICATED');
});

it('a second installation in another schema of the database drops no passwords of the first', async () => {
  const person = await makePerson(server, { email: 'kept@schema.test' });
  await person.query('mutation ($p: String!) { changePassword(newPassword: $p) }', { p: password });
  const files = (await readdir('prisma/migrations')).filter((name) => /^\d/.test(name)).sort();
  const texts = await Promise.all(files.map((name) => readFile(`prisma/migrations/${name}/migration.sql`, 'utf8')));
  await ask(server.databaseUrl, `create schema other; set search_path to other; ${texts.join('\n')}`);
  const url = `${server.databaseUrl}?schema=other`;
  const second = startAccountServer({
    databaseUrl: url,
    config: (config) => ({ ...config, database: { ...config.database, kind: 'external', url } as never }),
  });
  await expect(second).rejects.toThrow('another schema of this database');
  const left = await ask(
    server.databaseUrl,
    `select 1 from millrace.auth_passwords where user_id = '${person.userId}'`,
  );
  expect(left).toHaveLength(1);
});

it('an address that is not verified founds nothing by which it would be kept from its owner', async () => {
  await using lax = await start({ verifyEmail: false });
  const { data } = await lax.stranger.query(
    `mutation { signUp(input: { email: "owner@seams.test", password: "${password}" }) { signIn { session { accessToken } } } }`,
  );
  const thief = lax.bearer(data.signUp.signIn.session.accessToken);
  expect(codeOf(await thief.query('mutation { createOrganization(name: "Mine") { role } }'))).toBe('FORBIDDEN');
});
