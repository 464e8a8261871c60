import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/errors.ts';
import { openSecrets, type Secrets } from '../../src/platform/secrets.ts';

let root: string;
let secrets: Secrets;
const said = (secret: string) => openSecrets({ secret, directory: join(root, 'never') });
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace secrets '));
  secrets = await said('a secret of thirty-two characters');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the secret', () => {
  it('is made once, readable by its owner alone, and the same for twenty starts at once', async () => {
    const directory = join(root, 'made', 'keys');
    const opened = await Promise.all(Array.from({ length: 20 }, () => openSecrets({ directory })));
    expect(new Set(opened.map((each) => each.mac('x', 'y').toString('hex'))).size).toBe(1);
    expect(readdirSync(directory)).toEqual(['secret']);
    expect(statSync(join(directory, 'secret')).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const other = await openSecrets({ directory: join(root, 'other') });
    expect(other.mac('x', 'y')).not.toEqual(opened[0]!.mac('x', 'y'));
  });

  it('is not made where it was said', () => {
    expect(readdirSync(root)).not.toContain('never');
  });

  it.each(['', 'short\n', `${'A'.repeat(42)}\n`, `${'!'.repeat(43)}\n`])(
    'is reported with a remedy, and kept, when its file holds %j',
    async (text) => {
      const directory = mkdtempSync(join(root, 'damaged-'));
      writeFileSync(join(directory, 'secret'), text);
      const error = await openSecrets({ directory }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StartupError);
      expect((error as StartupError).message).toContain('secret is damaged');
      expect(readFileSync(join(directory, 'secret'), 'utf8')).toBe(text);
    },
  );
});

describe('what is sealed', () => {
  it('is opened again by all who have the secret, and never looks the same', async () => {
    const again = await said('a secret of thirty-two characters');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (content, purpose) => {
        const [one, two] = [secrets.seal(purpose, content), secrets.seal(purpose, content)];
        expect(one).not.toBe(two);
        expect(one).toMatch(/^v1\.[\w-]+$/);
        expect(again.open(purpose, one)).toEqual(Buffer.from(content));
      }),
      { numRuns: 50 },
    );
  });

  it('is not opened for another purpose, nor by another secret', async () => {
    const sealed = secrets.seal('totp', 'JBSWY3DP');
    expect(secrets.open('totp', sealed)?.toString()).toBe('JBSWY3DP');
    for (const purpose of ['', 'tot', 'totp ', 'TOTP']) expect(secrets.open(purpose, sealed)).toBeUndefined();
    expect((await said('another secret of so many letters')).open('totp', sealed)).toBeUndefined();
  });

  it('is not opened when a single bit of it was changed, or some of it is missing', () => {
    const sealed = secrets.seal('x', 'four');
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(secrets.open('x', `v1.${changed.toString('base64url')}`)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length - 1; length += 1)
      expect(secrets.open('x', sealed.slice(0, length))).toBeUndefined();
    for (const text of ['', 'v1.', `v2${sealed.slice(2)}`, `${sealed}AAAA`])
      expect(secrets.open('x', text)).toBeUndefined();
  });
});

describe('codes and keys', () => {
  it('differ by purpose, by use and by secret', async () => {
    const other = await said('another secret of so many letters');
    const made = [secrets, other].flatMap((each) => [
      each.mac('a', 'text'),
      each.mac('a', 'texts'),
      each.mac('b', 'text'),
      each.derive('a'),
      each.derive('b'),
    ]);
    expect(new Set(made.map((bytes) => bytes.toString('hex'))).size).toBe(made.length);
    expect(made.map(({ length }) => length)).toEqual(made.map(() => 32));
    expect(secrets.mac('a', 'text')).toEqual(made[0]);
  });

  it('cannot be spoilt for others by who was given one', () => {
    const before = secrets.derive('a').toString('hex');
    secrets.derive('a').fill(0);
    expect(secrets.derive('a').toString('hex')).toBe(before);
  });
});
