import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../src/log/entry.ts';
import type { LogExtent, LogSource } from '../../src/log/log-source.ts';
import { LogTail } from '../../src/log/tail.ts';
import { keepLog } from '../support/bus.ts';

const entry = (seq: number, transaction: string, kind: LogEntry['kind'] = 'insert'): LogEntry => ({
  seq,
  at: '2026-01-01T00:00:00Z',
  transaction,
  table: 'public.tasks',
  kind,
  old: kind === 'insert' ? null : '{}',
  new: kind === 'delete' ? null : '{}',
});

/** A log in memory, whose answers can be held back. */
function memoryLog() {
  const entries: LogEntry[] = [];
  const state = { nextTransaction: '1', isAway: false, gate: Promise.resolve(), questions: 0 };
  const source: LogSource = {
    async extent(): Promise<LogExtent> {
      state.questions += 1;
      const extent = { epoch: 'e', first: 1, head: entries.length, nextTransaction: state.nextTransaction };
      await state.gate;
      if (state.isAway) throw new Error('away');
      return extent;
    },
    read: async ({ after, limit }) => ({ entries: entries.slice(after, after + limit), to: after + limit }),
    deletions: async () => [],
    lag: async () => 0,
    secret: async () => 'secret',
  };
  return { source, entries, state };
}

const { log } = keepLog();

describe('a tail', () => {
  it('reaches what was written while it was reading what came before', async () => {
    const { source, entries, state } = memoryLog();
    await using tail = await LogTail.open({ source, log });
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const before = tail.reach();
    entries.push(entry(1, '5'));
    const after = tail.reach();
    open();
    await before;
    expect(tail.head.seq).toBe(0);
    await after;
    expect(tail.head.seq).toBe(1);
  });

  it('reads again for all hints that came while it was reading, and once only', async () => {
    const { source, entries, state } = memoryLog();
    await using tail = await LogTail.open({ source, log });
    const reading = tail.reach();
    entries.push(entry(1, '5'), entry(2, '6'));
    for (const seq of [1, 2]) tail.hear({ epoch: 'e', from: seq, seq, entries: [entries[seq - 1]!] });
    await reading;
    await tail.reach();
    expect(tail.head.seq).toBe(2);
    expect(state.questions).toBeLessThanOrEqual(4);
  });

  it('says when the source cannot be asked, to whoever has to know', async () => {
    const { source, state } = memoryLog();
    await using tail = await LogTail.open({ source, log });
    state.isAway = true;
    await expect(tail.reach()).rejects.toThrow('away');
    await expect(tail.catchUp()).resolves.toBeUndefined();
  });

  it('does not vouch for the deletions of a transaction that may have begun before its newest entries', async () => {
    const { source, state } = memoryLog();
    state.nextTransaction = '10';
    await using tail = await LogTail.open({ source, log, maxEntries: 10 });
    const hear = (e: LogEntry) => tail.hear({ epoch: 'e', from: e.seq, seq: e.seq, entries: [e] });
    hear(entry(1, '12', 'delete'));
    hear(entry(2, '9', 'delete'));
    expect(tail.recentDeletions('9')).toBeUndefined();
    expect(tail.recentDeletions('12')).toHaveLength(1);
    // The first of 12's entries leaves, and 13's stands before its next one.
    for (let seq = 3; seq <= 11; seq += 1) hear(entry(seq, '13'));
    hear(entry(12, '12', 'delete'));
    expect(tail.recentDeletions('12')).toBeUndefined();
    expect(tail.recentDeletions('13')).toEqual([]);
  });
});
