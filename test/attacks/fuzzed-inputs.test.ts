/**
 * Every mutation of accounts, with inputs that nobody would send: whatever comes, the answer is one of the errors that clients know,
 * nothing of the server's own is told, and an address that has an account is answered as one that has none.
 * FUZZ_RUNS inputs for each (40 unless said; the long form is 1000).
 */
import fc from 'fast-check';
import { type GraphQLArgument, type GraphQLInputType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApplication, readSources } from '../../src/application.ts';
import { readConfig } from '../../src/config/config.ts';
import { type AccountServer, type SignedIn, startAccountServer } from '../support/accounts.ts';
import { ask } from '../support/postgres.ts';
import type { Answer } from '../support/server.ts';
import { team } from '../support/team.ts';

const runs = Number(process.env.FUZZ_RUNS ?? 40);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const { schema } = createApplication(await readSources(process.cwd()), readConfig({}, process.cwd()).graphql);
const mutations = Object.values(schema.getMutationType()!.getFields()).filter(({ extensions }) => extensions.account);

let server: AccountServer;
let guest: SignedIn;
const [known, unknown] = ['known@mill.test', 'nobody@mill.test'];
beforeAll(async () => {
  server = await startAccountServer({
    // Each request comes from a network of its own, so that limits do not answer in the place of what is asked.
    config: (config) => ({ ...config, http: { ...config.http, trustProxy: 1 } }),
  });
  guest = await server.guest();
  await ask(
    server.databaseUrl,
    `insert into users (id, email, name) values ('${team.ann}', '${known}', 'Ann');
    insert into auth_accounts (user_id, email, email_verified_at) values ('${team.ann}', '${known}', now())`,
  );
});
afterAll(() => server[Symbol.asyncDispose]());

let networks = 0;
async function send(query: string, variables: object, token?: string): Promise<{ status: number; answer: Answer }> {
  networks += 1;
  const headers: Record<string, string> = {
    'x-forwarded-for': `10.${(networks >> 16) & 255}.${(networks >> 8) & 255}.${networks & 255}`,
  };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await server.stranger.post({ query, variables }, headers);
  return { status: response.status, answer: (await response.json()) as Answer };
}

const texts = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 30 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '\u0000',
      'a\u0000b',
      '\ud800',
      '’; drop table users; --',
      '%',
      '_',
      '../../etc/passwd',
      '{{7*7}}',
      '${jndi:x}',
      '<script>alert(1)</script>',
      'a@b',
      'a@b.test',
      ' a@b.test ',
      'a@b.test\r\nBcc: c@d.test',
      'A@B.TEST',
      'a@[127.0.0.1]',
      'null',
      'undefined',
      '[object Object]',
      'true',
      '0',
      '-1',
      '1e309',
      'NaN',
      '__proto__',
      'constructor',
      '00000000-0000-0000-0000-000000000000',
      'mrr_00000000-0000-7000-8000-000000000000.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'mrk_abc_def',
      'javascript:alert(1)',
      '//evil.test',
      'https://evil.test/',
      'http://localhost:4000/',
      'eyJhbGciOiJub25lIn0.e30.',
      'correct horse battery staple',
      'x'.repeat(300),
      '\u202e',
      '𝕒@ⓑ.test',
      'admin',
    ),
  },
  { weight: 1, arbitrary: fc.constant('y'.repeat(200_000)) },
);

const json: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(
    fc.constantFrom(
      'id',
      'rawId',
      'type',
      'response',
      'clientDataJSON',
      'kty',
      'crv',
      'x',
      'y',
      '__proto__',
      'role',
      'roles',
    ),
    fc.oneof(texts, fc.jsonValue({ maxDepth: 1 })),
    { maxKeys: 5 },
  ),
);

/** Values that GraphQL lets through for a type, be they of any sense or none. */
function anyOf(type: GraphQLInputType): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return anyOf(type.ofType);
  if (isListType(type)) return fc.array(anyOf(type.ofType), { maxLength: 4 });
  if (isInputObjectType(type)) return objectOf(Object.values(type.getFields()));
  switch (type.name) {
    case 'Int':
      return fc.oneof(fc.integer({ min: -2147483648, max: 2147483647 }), fc.constantFrom(0, -1, 2147483647));
    case 'Boolean':
      return fc.boolean();
    case 'Float':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'JSON':
      return json;
    case 'DateTime':
      return fc.constantFrom('2030-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', 'soon');
    default:
      return 'getValues' in type ? fc.constantFrom(...type.getValues().map(({ name }) => name)) : texts;
  }
}

const objectOf = (fields: readonly Pick<GraphQLArgument, 'name' | 'type'>[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(fields.map(({ name, type }) => [name, anyOf(type)])), {
    requiredKeys: fields.filter(({ type }) => isNonNullType(type)).map(({ name }) => name),
  });

const documentOf = ({ name, args, type }: (typeof mutations)[number]): string => {
  const declared = args.map((a) => `$${a.name}: ${a.type}`).join(', ');
  const passed = args.map((a) => `${a.name}: $${a.name}`).join(', ');
  const isLeaf = /^(Boolean|Int|String|ID|JSON)!?$/.test(String(type)) || String(type).startsWith('[String');
  return `mutation${declared && ` (${declared})`} { ${name}${passed && `(${passed})`} ${isLeaf ? '' : '{ __typename }'} }`;
};

/** What nobody outside may read in an answer: words of the database, of the code, of the machine. */
const own =
  /millrace\.auth|auth_accounts|violates|syntax error|postgres|node_modules|\.ts:\d|at async|ECONN|argon|invalid byte/i;

describe('a mutation of accounts, sent anything', () => {
  it('is one of many', () => expect(mutations.length).toBeGreaterThan(4));

  it.each(mutations.map((field) => [field.name, field] as const))(
    '%s answers as clients know it',
    async (_name, field) => {
      const document = documentOf(field);
      await fc.assert(
        fc.asyncProperty(objectOf(field.args), fc.boolean(), async (variables, isGuest) => {
          const { status, answer } = await send(document, variables, isGuest ? guest.accessToken : undefined);
          const codes = answer.errors?.map((e) => e.extensions.code) ?? [];
          expect([status < 500, codes.includes('INTERNAL')], JSON.stringify(answer)).toEqual([true, false]);
          expect(JSON.stringify(answer.errors ?? [])).not.toMatch(own);
          // Its own session it may have ended.
          if (
            isGuest &&
            codes.includes('UNAUTHENTICATED') &&
            (await server.bearer(guest.accessToken).query('{ me { userId } }')).errors
          )
            guest = await server.guest();
        }),
        { numRuns: runs, seed, endOnFailure: true },
      );
    },
    600_000,
  );

  it.each(
    mutations
      .filter(({ args }) => args.some(({ name }) => name === 'email'))
      .map((field) => [field.name, field] as const),
  )(
    '%s tells no known address from an unknown one',
    async (_name, field) => {
      await fc.assert(
        fc.asyncProperty(objectOf(field.args), async (variables) => {
          const of = async (email: string) => {
            const { status, answer } = await send(documentOf(field), { ...variables, email });
            return {
              status,
              errors: answer.errors?.map(({ message, extensions }) => [
                message.replaceAll(email, '…'),
                extensions.code,
              ]),
              data: answer.data,
            };
          };
          expect(await of(known)).toEqual(await of(unknown));
        }),
        { numRuns: Math.ceil(runs / 4), seed, endOnFailure: true },
      );
    },
    600_000,
  );
});
