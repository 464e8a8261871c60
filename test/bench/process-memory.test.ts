import { expect, test } from 'vitest';
import { memoryOf, memoryOfChildren, parseStatus } from '../../bench/endurance/process-memory.ts';

test('memory is read by the fields’ names, in bytes, and a process of the kernel has none', () => {
  const text = 'Name:\tRssAnon: 7 kB\nPPid:\t12\nVmRSS:\t  2048 kB\nRssAnon:\t  1024 kB\nRssFile:\t 1024 kB\n';
  expect(parseStatus(text)).toEqual({ parent: 12, resident: 2048 * 1024, own: 1024 * 1024 });
  expect(parseStatus('Name:\tkthreadd\nPPid:\t0\n')).toEqual({ parent: 0, resident: 0, own: 0 });
});

test.runIf(process.platform === 'linux')('the test’s own process is a child of the one that started it', () => {
  const own = memoryOf(process.pid);
  expect(own.resident).toBeGreaterThan(own.own);
  expect(own.own).toBeGreaterThan(1_000_000);
  expect(memoryOfChildren(process.ppid).count).toBeGreaterThanOrEqual(1);
});
