import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  microsecondsOf,
  microsecondsOfFamily,
  parseStat,
  ticksOf,
  ticksOfFamily,
  ticksPerSecond,
} from '../../bench/cpu.ts';

const stat = (name: string) =>
  `4242 (${name}) S 17 4242 4242 0 -1 4194304 100 200 0 0 31 11 500 60 20 0 1 0 12345 1000000 250 18446744073709551615`;

test('reads the parent and the ticks of a process, its own apart from those of ended children', () => {
  expect(parseStat(stat('postgres'))).toEqual({ parent: 17, own: 42, endedChildren: 560 });
});

test('is not led astray by blanks and brackets in the name of a process', () => {
  expect(parseStat(stat('a) R 1 (b c'))).toEqual({ parent: 17, own: 42, endedChildren: 560 });
});

describe.skipIf(process.platform !== 'linux')('on Linux', () => {
  const burn = 'const end = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < end);';

  test('counts the work of a child while it lives, and once it has ended', async () => {
    const before = ticksOfFamily(process.pid);
    const child = spawn(process.execPath, ['-e', `${burn} process.stdout.write('burnt'); setInterval(() => {}, 1000)`]);
    await once(child.stdout, 'data');
    const own = ticksOf(child.pid!);
    const second = ticksPerSecond();
    const exact = microsecondsOf(child.pid!, second);
    expect(exact).toBeGreaterThanOrEqual((own / second) * 1e6);
    expect(exact).toBeLessThan(((own + 30) / second) * 1e6);
    expect(microsecondsOfFamily(process.pid, second)).toBeGreaterThan(exact);
    expect(own).toBeGreaterThan(10);
    expect(ticksOfFamily(process.pid) - before).toBeGreaterThanOrEqual(own);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(ticksOfFamily(process.pid) - before).toBeGreaterThanOrEqual(own);
  });
});
