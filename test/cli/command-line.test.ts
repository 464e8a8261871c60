import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTokens } from '../../src/platform/tokens.ts';
import { makeProject, millrace } from '../support/command-line.ts';

let project: ReturnType<typeof makeProject>;
beforeAll(() => {
  project = makeProject({ 'prisma/app.prisma': '' });
});
afterAll(() => project.remove());

const run = (...args: string[]) => millrace(project.root, args);

describe('npx millrace', () => {
  it('lists its commands, and tells of each', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const name of ['dev', 'seed', 'token', 'keys', 'schema', 'rules', 'search-index', 'env', 'adopt']) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      const help = await run(name, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout, name).toContain(`Usage: millrace ${name}`);
      if (name !== 'dev') expect(help.stdout, name).toContain(`Examples:\n  npx millrace ${name}`);
    }
  });

  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('suggests the command that was meant', async () => {
    const { code, stdout, stderr } = await run('tokn');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain("unknown command 'tokn'");
    expect(stderr).toContain('Did you mean token?');
  });

  it('tells a wrong setting in one line, and a remedy in the next', async () => {
    const { code, stderr } = await millrace(project.root, ['token', '--role', 'x'], { PORT: 'http' });
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      'millrace: PORT is "http": expected a port, 0 to 65535.',
      '  Correct it in the environment or in .env; `npx millrace env` explains every variable.',
      '',
    ]);
  });
});

describe('npx millrace token', () => {
  it('prints the token and nothing else, good for the server of that directory', async () => {
    const claims = [
      '--claim',
      'teams=["a","b"]',
      '--claim',
      'level=5',
      '--claim',
      'city=São Paulo',
      '--claim',
      'pin="5"',
    ];
    const { code, stdout, stderr } = await run(
      'token',
      '--sub',
      'ann',
      '--role',
      'member',
      '--expires',
      '2h',
      ...claims,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const directory = join(project.root, '.millrace', 'keys');
    const tokens = await openTokens({ source: { kind: 'local', directory }, adminRole: 'admin' });
    const read = await tokens.verify(stdout.trim());
    expect(read).toMatchObject({
      sub: 'ann',
      role: 'member',
      teams: ['a', 'b'],
      level: 5,
      city: 'São Paulo',
      pin: '5',
    });
    expect((read.exp as number) - (read.iat as number)).toBe(7_200);
  });

  it('lasts an hour unless told otherwise', async () => {
    const { exp, iat } = decodeJwt((await run('token', '--role', 'admin')).stdout.trim());
    expect(exp! - iat!).toBe(3_600);
  });

  it.each([
    [[], 'Say who'],
    [['--sub', ''], 'Say who'],
    [['--role', 'x', '--expires', '5'], 'such as 30s, 15m, 8h or 7d'],
    [['--role', 'x', '--expires', '0s'], 'such as 30s, 15m, 8h or 7d'],
    [['--role', 'x', '--claim', 'novalue'], 'Expected key=value'],
    [['--role', 'x', '--claim', 'exp=5'], 'claims.exp'],
  ])('refuses %j on stderr alone', async (args, reason) => {
    const { code, stdout, stderr } = await run('token', ...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
  });

  it('sends to the issuer when another one signs', async () => {
    const env = { JWKS_URL: 'https://auth.example.com/jwks' };
    const { code, stdout, stderr } = await millrace(project.root, ['token', '--role', 'x'], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('https://auth.example.com/jwks');
    expect(stderr).toContain('unset JWKS_URL');
  });
});

describe('npx millrace env', () => {
  it('prints what .env.example holds', async () => {
    expect((await run('env')).stdout).toBe(readFileSync('.env.example', 'utf8'));
  });
});
