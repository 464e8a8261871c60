import { statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, millrace } from '../support/command-line.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

let project: ReturnType<typeof makeProject>;
let database: TestDatabase;
beforeAll(async () => {
  project = makeProject({ 'prisma/app.prisma': '' });
  database = await testDatabase({ migrations: false });
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  project?.remove();
});

const keys = (args: string[], env: Record<string, string> = {}) =>
  millrace(project.root, ['keys', ...args], { DATABASE_URL: database.url, ...env });
const read = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => line.match(/^(?<kid>[\w-]{43}) {2}(?<state>\w+) +since (?<since>\S+Z)$/)!.groups!);
const kidOf = (stdout: string, state: string) => read(stdout).find((key) => key.state === state)?.kid;

describe('npx millrace keys', () => {
  it('lists the keys, lets the next one sign, and ends all of them', async () => {
    const { code, stdout: first, stderr } = await keys([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(read(first).map(({ state }) => state)).toEqual(['active', 'next']);
    expect(Date.now() - Date.parse(read(first)[0]!.since!)).toBeLessThan(60_000);
    expect(statSync(path.join(project.root, '.millrace', 'keys', 'secret')).mode & 0o777).toBe(0o600);

    const { stdout: second } = await keys(['rotate']);
    expect(kidOf(second, 'active')).toBe(kidOf(first, 'next'));
    expect(kidOf(second, 'retired')).toBe(kidOf(first, 'active'));

    const { stdout: third } = await keys(['rotate', '--discard']);
    expect(read(third)).toHaveLength(2);
    for (const { kid } of read(second)) expect(third).not.toContain(kid);
  });

  it('says what to do where the secret is another, of which nothing is shown', async () => {
    const AUTH_SECRET = 'sesame open sesame open sesame open';
    const { code, stdout, stderr } = await keys([], { AUTH_SECRET });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('the same AUTH_SECRET');
    expect(stderr).not.toContain('sesame');
    expect(await keys(['rotate', '--discard'], { AUTH_SECRET })).toMatchObject({ code: 0, stderr: '' });
  });

  it.each([
    [['burn'], 'Allowed choices are list, rotate'],
    [['--discard'], 'keys rotate --discard'],
  ])('refuses %j', async (args, reason) => {
    const { code, stdout, stderr } = await keys(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(reason);
  });
});
