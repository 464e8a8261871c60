import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { variables } from '../../src/config/env.ts';
import { printEnvExample } from '../../src/config/env-example.ts';
import { StartupError } from '../../src/errors.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace config '));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function problemOf(env: Record<string, string>): StartupError {
  try {
    readConfig(env, root);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('No StartupError was thrown.');
}

describe('with nothing set', () => {
  it('embeds everything under .millrace of the project, and listens on this machine only', () => {
    const config = readConfig({}, root);
    expect(config).toMatchObject({
      environment: 'development',
      root,
      directory: join(root, '.millrace'),
      http: { host: '127.0.0.1', port: 4000, maxBodyBytes: 1_000_000, corsOrigins: [], trustProxy: false },
      database: { kind: 'embedded', directory: join(root, '.millrace') },
      tokens: { source: { kind: 'local', directory: join(root, '.millrace', 'keys') }, adminRole: 'admin' },
      graphql: { introspection: true, graphiql: true, limits: { depth: 16, pageSize: 50, maxPageSize: 500 } },
    });
    expect(config.tokens).not.toHaveProperty('issuer');
  });

  it('tells strangers nothing in production, and listens everywhere', () => {
    const config = readConfig({ NODE_ENV: 'production' }, root);
    expect(config.environment).toBe('production');
    expect(config.http.host).toBe('0.0.0.0');
    expect(config.graphql).toMatchObject({ introspection: false, graphiql: false });
  });

  it.each([
    [{}, true],
    [{ HOST: 'localhost' }, true],
    [{ HOST: '::1' }, true],
    [{ HOST: '0.0.0.0' }, false],
    [{ HOST: '127.0.0.1.example.com' }, false],
    [{ DATABASE_URL: 'postgres://localhost/app' }, false],
    [{ NODE_ENV: 'production', HOST: '127.0.0.1' }, false],
  ])('explains access to everybody on the development server of one’s own only: with %j %j', (env, isOpen) => {
    const config = readConfig({ ...env, ADMIN_ROLE: 'boss' }, root);
    expect(config.graphql.explain).toEqual({ isOpen, adminRole: 'boss' });
  });

  it.each([
    [{}, { kind: 'outbox' }],
    [{ HOST: '0.0.0.0' }, { kind: 'none' }],
    [{ DATABASE_URL: 'postgres://localhost/app' }, { kind: 'none' }],
    [{ NODE_ENV: 'production', HOST: '127.0.0.1' }, { kind: 'none' }],
  ])('shows mails to the developer on the development server of one’s own only: with %j %j', (env, mail) => {
    expect(readConfig(env, root).mail).toEqual(mail);
  });

  it('counts an empty variable as not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: ' ' }, root)).toEqual(readConfig({}, root));
  });
});

describe('costs', () => {
  it('have a limit for all, and others by role', () => {
    expect(readConfig({}, root).graphql.cost).toEqual({ max: 200_000, byRole: new Map(), isReported: true });
    const env = { MAX_COST: '5', MAX_COST_BY_ROLE: ' admin=1000000, a-b=0', REPORT_COST: 'false' };
    const byRole = new Map([
      ['admin', 1_000_000],
      ['a-b', 0],
    ]);
    expect(readConfig(env, root).graphql.cost).toEqual({ max: 5, byRole, isReported: false });
  });

  it.each(['admin', 'admin=', '=1', 'admin=1;b=2', 'admin=1,', 'admin=-1', 'admin=1.5', 'admin=x', 'a=1,a=2', 'a b=1'])(
    'by role are not understood in %j',
    (text) => {
      expect(problemOf({ MAX_COST_BY_ROLE: text }).message).toContain('MAX_COST_BY_ROLE');
    },
  );
});

describe('with variables set', () => {
  it('takes a database, keys and origins of elsewhere', () => {
    const config = readConfig(
      {
        DATABASE_URL: 'postgres://ann:p%40ss@db/app',
        JWKS_URL: 'https://auth.example.com/jwks',
        JWT_ISSUER: 'https://auth.example.com/',
        CORS_ORIGINS: 'https://a.example.com, http://localhost:5173',
        MILLRACE_DIR: 'data here',
        PORT: '0',
      },
      root,
    );
    expect(config.database).toEqual({ kind: 'external', url: 'postgres://ann:p%40ss@db/app' });
    expect(config.tokens.source).toEqual({ kind: 'jwks', url: 'https://auth.example.com/jwks' });
    expect(config.tokens.issuer).toBe('https://auth.example.com/');
    expect(config.http).toMatchObject({ port: 0, corsOrigins: ['https://a.example.com', 'http://localhost:5173'] });
    expect(config.directory).toBe(join(root, 'data here'));
  });

  const direct = (...nodes: [string, number][]) => ({
    servers: { kind: 'direct', nodes: nodes.map(([host, port]) => ({ host, port })) },
  });

  it.each([
    ['redis://localhost', { ...direct(['localhost', 6379]), tls: false, login: {}, database: 0, prefix: 'millrace:' }],
    [
      'rediss://ann:p%40s%3As@db:7000/2',
      { ...direct(['db', 7000]), tls: true, login: { username: 'ann', password: 'p@s:s' }, database: 2 },
    ],
    ['redis://:pw@a:1,b,[::1]:80', { ...direct(['a', 1], ['b', 6379], ['::1', 80]), login: { password: 'pw' } }],
    ['redis://:pw@a:1,redis://:pw@b:2', { ...direct(['a', 1], ['b', 2]), login: { password: 'pw' } }],
    [
      'rediss+sentinel://:pw@a,b:2/main/3?sentinelUsername=s&sentinelPassword=t%26',
      {
        servers: {
          kind: 'sentinel',
          sentinels: [
            { host: 'a', port: 26_379 },
            { host: 'b', port: 2 },
          ],
          master: 'main',
          sentinelLogin: { username: 's', password: 't&' },
        },
        tls: true,
        login: { password: 'pw' },
        database: 3,
      },
    ],
  ])('meets other nodes at %s', (url, bus) => {
    expect(readConfig({ REDIS_URL: url }, root).bus).toMatchObject({ kind: 'redis', ...bus });
  });

  it('takes a list of operations, and whether it is the only one', () => {
    expect(readConfig({}, root).graphql).not.toHaveProperty('persisted');
    const persisted = (env: Record<string, string>) =>
      readConfig({ PERSISTED_OPERATIONS: 'app/list.json', ...env }, root).graphql.persisted;
    expect(persisted({})).toEqual({ file: join(root, 'app', 'list.json'), only: false });
    expect(persisted({ PERSISTED_ONLY: 'true' })).toEqual({ file: join(root, 'app', 'list.json'), only: true });
  });

  it('meets nobody without a Redis', () => {
    expect(readConfig({ REDIS_PREFIX: 'shop:' }, root).bus).toEqual({ kind: 'in-process' });
  });

  it('reads .env of the project, and lets the environment win where it says something', () => {
    writeFileSync(join(root, '.env'), 'PORT=5001\nADMIN_ROLE="the boss"\nLOG_LEVEL=warn # quiet\n');
    const config = readConfig({ PORT: '5002', LOG_LEVEL: '' }, root);
    expect(config.http.port).toBe(5002);
    expect(config.tokens.adminRole).toBe('the boss');
    expect(config.logLevel).toBe('warn');
  });
});

describe('with something wrong', () => {
  it.each([
    ['PORT', '99999', 'PORT is "99999": expected a port, 0 to 65535.'],
    ['PORT', '0x10', 'PORT is "0x10": expected a port, 0 to 65535.'],
    ['GRAPHIQL', 'perhaps', 'GRAPHIQL is "perhaps": expected true or false.'],
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL is "loud": expected debug, info, warn, error or silent.'],
    ['JWKS_URL', 'ftp://x/y', 'JWKS_URL is "ftp://x/y": expected a URL such as'],
    ['CORS_ORIGINS', 'https://a.example.com/path', 'CORS_ORIGINS is "https://a.example.com/path": expected origins'],
    ['REDIS_PREFIX', 'my shop', 'REDIS_PREFIX is "my shop": expected 1 to 100 letters'],
    ['MAX_PAGE_SIZE', '10', 'PAGE_SIZE is 50: expected at most MAX_PAGE_SIZE, which is 10.'],
  ])('names %s, its value %s and what is expected', (name, value, message) => {
    expect(problemOf({ [name]: value }).message).toContain(message);
  });

  it.each([
    'mysql://ann:sesame@db/app',
    'prisma+postgres://localhost/?api_key=sesame',
    'file:./sesame.db',
    'postgresql://ann:sesame#1@db/app',
    'postgresql://ann:sesame%zz@db/app',
    'sesame',
  ])('refuses %s as DATABASE_URL without repeating its secret', (url) => {
    const { message, remedy } = problemOf({ DATABASE_URL: url });
    expect(message).toContain('DATABASE_URL');
    expect(message).toContain('expected a URL such as postgresql://');
    expect(message + remedy).not.toContain('sesame');
  });

  it.each([
    'http://:sesame@host',
    'redis://',
    'redis://:sesame@',
    'redis://:sesame@host:99999',
    'redis://:sesame@host/shop',
    'redis://:sesame@a,b/1',
    'redis://:sesame@a,rediss://:sesame@b',
    'redis://:sesame@host?db=1',
    'redis://:sesame%zz@host',
    'redis://:sesame@a,,b',
    'redis+sentinel://:sesame@host',
    'redis+sentinel://:sesame@host/main?password=x',
    'sesame',
  ])('refuses %s as REDIS_URL without repeating its secret', (url) => {
    const { message, remedy } = problemOf({ REDIS_URL: url });
    expect(message).toMatch(/^REDIS_URL is not understood .*expected redis:\/\//);
    expect(message + remedy).not.toContain('sesame');
  });

  it.each([
    ['', 'short'],
    ['', 'a'.repeat(64)],
    ['production', 'change-me-to-what-openssl-rand-has-printed'],
  ])('takes no secret that can be guessed: in %j %j', (NODE_ENV, secret) => {
    const { message, remedy } = problemOf({ NODE_ENV, AUTH_SECRET: secret });
    expect(message).toMatch(/^AUTH_SECRET is .*expected/);
    expect(message + remedy).not.toContain(secret);
  });

  it('executes no list alone that is not there', () => {
    expect(problemOf({ PERSISTED_ONLY: 'true' }).message).toContain('expected PERSISTED_OPERATIONS');
  });

  it.each([
    ['true', 1],
    ['false', false],
    ['0', false],
    ['2', 2],
    ['10.0.0.0/8, 2001:db8::/32,127.0.0.1', ['10.0.0.0/8', '2001:db8::/32', '127.0.0.1']],
  ])('reads TRUST_PROXY=%s', (text, trustProxy) => {
    const { http, streams } = readConfig({ TRUST_PROXY: text }, root);
    expect([http.trustProxy, streams.trustProxy]).toEqual([trustProxy, trustProxy]);
  });

  it.each(['x', '21', '-1', '10.0.0.0/33', '10.0.0.0/8,', '10.0.0/8', '2001:db8::/129', '10.0.0.0/8 10.1.0.0/8'])(
    'refuses %s as TRUST_PROXY',
    (text) => {
      expect(problemOf({ TRUST_PROXY: text }).message).toMatch(
        /^TRUST_PROXY is .*: expected false, true \(one proxy\)/,
      );
    },
  );

  it('tells every problem at once', () => {
    const { message, remedy } = problemOf({ PORT: 'x', TRUST_PROXY: 'x', DATABASE_URL: 'x' });
    expect(message.split('\n')).toHaveLength(3);
    expect(remedy).toContain('npx millrace env');
  });
});

describe('.env.example', () => {
  it('explains every variable, and changes nothing when it is used as it stands', () => {
    const text = printEnvExample();
    for (const name of Object.values(variables).flatMap(Object.keys))
      expect(text).toMatch(new RegExp(`^# ${name}=`, 'm'));
    writeFileSync(join(root, '.env'), text);
    const config = readConfig({}, root);
    rmSync(join(root, '.env'));
    expect(config).toEqual(readConfig({}, root));
  });

  it('is a valid configuration with every line uncommented', () => {
    writeFileSync(join(root, '.env'), printEnvExample().replace(/^# ([A-Z_]+=)/gm, '$1'));
    expect(readConfig({}, root).database.kind).toBe('external');
  });
});

describe('SMTP_URL', () => {
  const sender = 'Example <hello@example.com>';
  it.each([
    ['smtp://mail.test', { host: 'mail.test', port: 587, encryption: 'required' }],
    ['smtp://localhost:1025', { host: 'localhost', port: 1025, encryption: 'never' }],
    ['smtp://[::1]:25', { host: '::1', port: 25, encryption: 'never' }],
    ['smtp://localhost?tls=required', { host: 'localhost', port: 587, encryption: 'required' }],
    ['smtp://mail.test:25?tls=optional', { host: 'mail.test', port: 25, encryption: 'optional' }],
    ['smtp://10.0.0.7?tls=never', { host: '10.0.0.7', port: 587, encryption: 'never' }],
    [
      'smtps://me%40mail.test:p%40ss%2F@mail.test/',
      { host: 'mail.test', port: 465, encryption: 'implicit', user: 'me@mail.test', password: 'p@ss/' },
    ],
  ])('%s is read as %j', (url, server) => {
    const { mail } = readConfig({ SMTP_URL: url, MAIL_FROM: sender }, root);
    expect(mail).toEqual({ kind: 'smtp', server, from: { name: 'Example', address: 'hello@example.com' } });
  });

  it.each([
    'mail.test',
    'http://mail.test',
    'smtp://',
    'smtp://mail.test/box',
    'smtp://mail.test?tls=no',
    'smtps://mail.test?tls=never',
  ])('%s is refused, and not repeated', (url) => {
    const { message } = problemOf({ SMTP_URL: url, MAIL_FROM: sender });
    expect(message).toMatch(/^SMTP_URL is not understood \(its value is not shown\): expected smtp:/);
  });

  it('asks for a sender', () => {
    expect(problemOf({ SMTP_URL: 'smtp://localhost' }).message).toContain('MAIL_FROM');
  });

  it.each(['nobody', 'a@b@c', 'Example <hello@example.com', 'A <a@b.test>, B <c@d.test>', 'a@b.test c@d.test'])(
    'takes %s for no sender',
    (from) => {
      expect(problemOf({ SMTP_URL: 'smtp://localhost', MAIL_FROM: from }).message).toContain('MAIL_FROM is');
    },
  );

  it('takes an address alone for a sender', () => {
    const { mail } = readConfig({ SMTP_URL: 'smtp://localhost', MAIL_FROM: 'hello@example.com' }, root);
    expect(mail).toMatchObject({ from: { name: '', address: 'hello@example.com' } });
  });
});
