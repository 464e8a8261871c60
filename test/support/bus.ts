import { pino } from 'pino';
import { expect } from 'vitest';
import { parseRedisUrl } from '../../src/config/redis-url.ts';
import type { Bus } from '../../src/platform/bus/bus.ts';
import { createRedisBus } from '../../src/platform/bus/redis.ts';
import type { Logger } from '../../src/platform/log.ts';

/** A line of a log, parsed. */
export type LogLine = { level: number; msg: string } & Record<string, unknown>;

/** A log that is kept. */
export interface KeptLog {
  log: Logger;
  lines: LogLine[];
  /** What was said at a level, in order. */
  said(level: 'debug' | 'info' | 'warn' | 'error'): string[];
}

/** Makes a log whose lines a test reads. */
export function keepLog(): KeptLog {
  const lines: LogLine[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const said: KeptLog['said'] = (level) =>
    lines.filter((line) => line.level === pino.levels.values[level]).map((line) => line.msg);
  return { log, lines, said };
}

/** Opens a bus on a Redis, connected or not. */
export function openRedisBus(url: string, log = keepLog().log, prefix = 'millrace:'): Bus {
  return createRedisBus({ ...parseRedisUrl(url)!, prefix }, log);
}

/** Resolves when all of these carry messages, and have told Redis what they listen to. */
export async function carrying(...buses: Bus[]): Promise<void> {
  for (const bus of buses) await expect.poll(() => isUp(bus), { interval: 20, timeout: 10_000 }).toBe(true);
}

/** Whether a bus says that it carries. */
export const isUp = (bus: Bus): Promise<boolean> =>
  bus.ping().then(
    () => true,
    () => false,
  );

/** All that is said on a channel from now on. */
export function hear(bus: Bus, channel: string): string[] {
  const heard: string[] = [];
  bus.subscribe(channel, (message) => heard.push(message));
  return heard;
}

/** Resolves when a list has become this one, and stays so for a moment. */
export async function becomes(heard: string[], expected: string[]): Promise<void> {
  await expect.poll(() => heard.length, { interval: 10, timeout: 5000 }).toBeGreaterThanOrEqual(expected.length);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(heard).toEqual(expected);
}
