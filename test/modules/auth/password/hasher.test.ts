import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../../src/errors.ts';
import { createHasher } from '../../../../src/modules/auth/password/hasher.ts';

const cheap = { memory: 64, passes: 1 };

describe('a hash of a password', () => {
  it('is argon2id with 64 MiB and 3 passes, salted, and known by its own password alone', async () => {
    const hasher = createHasher();
    const [one, other] = await Promise.all([hasher.hash('ein Fluss im Mai'), hasher.hash('ein Fluss im Mai')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(one).not.toBe(other);
    expect(await hasher.verify(one, 'ein Fluss im Mai')).toBe(true);
    expect(await hasher.verify(one, 'ein Fluss im Mai ')).toBe(false);
    expect(await hasher.verify(undefined, 'ein Fluss im Mai')).toBe(false);
    expect(hasher.isOutdated(one)).toBe(false);
  });

  it('ends neither at a NUL nor anywhere else', async () => {
    const hasher = createHasher(cheap);
    const hash = await hasher.hash('a\0b');
    expect(await hasher.verify(hash, 'a')).toBe(false);
    expect(await hasher.verify(hash, 'a\0c')).toBe(false);
    const long = await hasher.hash(`${'x'.repeat(255)}y`);
    expect(await hasher.verify(long, `${'x'.repeat(255)}z`)).toBe(false);
  });

  it('is known after its price has risen, and is to be made anew then, and not when it falls', async () => {
    const old = await createHasher(cheap).hash('x');
    for (const grown of [
      { ...cheap, memory: 128 },
      { ...cheap, passes: 2 },
    ]) {
      const hasher = createHasher(grown);
      expect(await hasher.verify(old, 'x')).toBe(true);
      expect(hasher.isOutdated(old)).toBe(true);
    }
    expect(createHasher({ memory: 32, passes: 1 }).isOutdated(old)).toBe(false);
  });

  it('is made so many at once, in order, and refused beyond what may wait', async () => {
    const hasher = createHasher({ ...cheap, atOnce: 1, waiting: 3 });
    const ended: number[] = [];
    const tries = Array.from({ length: 10 }, (_, n) => hasher.verify(undefined, 'x').then(() => ended.push(n)));
    const refused = (await Promise.allSettled(tries)).filter(({ status }) => status === 'rejected');
    expect(ended).toEqual([0, 1, 2, 3]);
    expect(refused).toHaveLength(6);
    const { reason } = refused[0] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(MillraceError);
    expect(reason).toMatchObject({ code: 'UNAVAILABLE', details: { retryAfter: 5 } });
    expect(await hasher.verify(undefined, 'x')).toBe(false);
  });

  it('goes on after a hash that is none', async () => {
    const hasher = createHasher({ ...cheap, atOnce: 1 });
    await expect(hasher.verify('$argon2id$nonsense', 'x')).rejects.toThrow();
    expect(await hasher.verify(await hasher.hash('x'), 'x')).toBe(true);
  });

  it('leaves the event loop to others', async () => {
    const hasher = createHasher({ waiting: 20 });
    const begun = performance.eventLoopUtilization();
    await Promise.all(Array.from({ length: 10 }, () => hasher.verify(undefined, 'ein Fluss im Mai')));
    const { utilization } = performance.eventLoopUtilization(begun);
    expect(utilization).toBeLessThan(0.5);
  });
});
