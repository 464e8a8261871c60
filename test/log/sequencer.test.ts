import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { turnSegments } from '../../src/log/segments.ts';
import { sequencerLock } from '../../src/log/tables.ts';
import { logDatabase } from '../support/log-database.ts';
import { team } from '../support/team.ts';

const rowsOfTheTeam = 24 - 1;

describe('the log', () => {
  it('holds every committed change once, numbered without a gap, and none that was rolled back', async () => {
    await using database = await logDatabase();
    await using _one = database.sequencer();
    await using _two = database.sequencer();
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      for (let i = 0; i < 40; i += 1) {
        await client.query('begin');
        await client.query(`update tasks set priority = priority + 1 where id = '${team.pond}'`);
        await client.query(`update tasks set title = '${writer}.${i}' where id = '${team.axle}'`);
        if (i % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        await client.query(i % 4 === 0 ? 'rollback' : 'commit');
      }
      await client.end();
    });
    await Promise.all(writers);
    const entries = await database.entries(rowsOfTheTeam + 8 * 30 * 2);
    expect(entries.map((e) => e.seq)).toEqual(entries.map((_, i) => i + 1));
    const priorities = entries.flatMap((e) =>
      e.kind === 'update' && e.new?.startsWith(`{"id":"${team.pond}"`) ? [JSON.parse(e.new).priority as number] : [],
    );
    expect(priorities).toEqual(Array.from({ length: 240 }, (_, i) => 6 + i));
  });

  it('tells a straggler when it commits, behind what was told before', async () => {
    await using database = await logDatabase();
    await using _ = database.sequencer();
    await database.entries(rowsOfTheTeam);
    await using slow = await database.openSession();
    await slow.script('begin');
    await slow.script(`update tasks set title = 'late' where id = '${team.axle}'`);
    await database.sql(`update tasks set title = 'early' where id = '${team.pond}'`);
    expect((await database.entries(rowsOfTheTeam + 1)).at(-1)?.new).toContain('early');
    await slow.script('commit');
    expect((await database.entries(rowsOfTheTeam + 2)).at(-1)?.new).toContain('late');
  });

  it('sees cascades, the parent before what goes with it, and truncation', async () => {
    await using database = await logDatabase();
    await using _ = database.sequencer();
    await database.entries(rowsOfTheTeam);
    await database.sql(`delete from workspaces where id = '${team.smithy}'`);
    const gone = (await database.entries(rowsOfTheTeam + 7)).slice(rowsOfTheTeam);
    expect(gone.every((e) => e.kind === 'delete' && e.new === null)).toBe(true);
    expect(gone[0]?.table).toBe('public.workspaces');
    const place = (table: string) => gone.findIndex((e) => e.table === `public.${table}`);
    expect(place('projects')).toBeLessThan(place('tasks'));
    expect(place('tasks')).toBeLessThan(place('comments'));
    await database.sql('truncate comments');
    expect((await database.entries(rowsOfTheTeam + 8)).at(-1)).toMatchObject({
      kind: 'truncate',
      table: 'public.comments',
    });
  });

  it('keeps what was not told for the next leader, when one ends', async () => {
    await using database = await logDatabase();
    {
      await using first = database.sequencer();
      await database.entries(rowsOfTheTeam);
      expect(first.isLeader).toBe(true);
    }
    await database.sql(`update tasks set priority = 77`);
    await using second = database.sequencer();
    const entries = await database.entries(rowsOfTheTeam + 4);
    expect(entries.at(-1)?.new).toContain('77');
    expect(second.hints.map((h) => [h.from, h.seq])).toEqual([[rowsOfTheTeam + 1, rowsOfTheTeam + 4]]);
  });

  it('is taken from a leader that holds the lead and does nothing', async () => {
    await using database = await logDatabase();
    await using frozen = await database.openSession();
    await frozen.query({ text: `select pg_advisory_lock(${sequencerLock})`, values: [] });
    await using next = database.sequencer();
    await database.entries(rowsOfTheTeam);
    expect(next.isLeader).toBe(true);
    await expect(frozen.query({ text: 'select 1', values: [] })).rejects.toThrow();
  });

  it('is numbered once, whoever leads, where a leader is deposed in the middle of a statement and comes back', async () => {
    await using database = await logDatabase();
    await using first = database.sequencer();
    await database.entries(rowsOfTheTeam);
    await using holder = await database.openSession();
    await holder.script('begin; select from millrace.event_head for update');
    await database.sql(`update tasks set priority = 77`);
    await using second = database.sequencer();
    await vi.waitFor(() => expect(second.isLeader).toBe(true), { timeout: 5000 });
    expect(first.isLeader).toBe(false);
    await holder.script('commit');
    await database.entries(rowsOfTheTeam + 4);
    await second[Symbol.asyncDispose]();
    await database.sql(`update tasks set priority = 78`);
    const entries = await database.entries(rowsOfTheTeam + 8);
    expect(first.isLeader).toBe(true);
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: rowsOfTheTeam + 8 }, (_, n) => n + 1));
    const announced = [...first.hints, ...second.hints].sort((a, b) => a.from - b.from);
    expect(announced.flatMap((hint) => hint.entries!.map(({ seq }) => seq))).toEqual(entries.map(({ seq }) => seq));
  });

  it('ignores an update that changes nothing', async () => {
    await using database = await logDatabase();
    await using _ = database.sequencer();
    await database.sql(`update tasks set title = title`);
    await database.sql(`update tasks set title = 'something' where id = '${team.pond}'`);
    expect(await database.entries(rowsOfTheTeam + 1)).toHaveLength(rowsOfTheTeam + 1);
  });
});

describe('a batch', () => {
  it('is bounded by bytes: large rows go in several, and one that is larger than the bound goes alone', async () => {
    await using database = await logDatabase();
    {
      await using _ = database.sequencer();
      await database.entries(rowsOfTheTeam);
    }
    const megabytes = [1, 6, 1, 1, 1, 1];
    for (const size of megabytes) {
      await database.sql(`insert into millrace.event_inbox (relation, operation, new)
        values ('public.comments', 'I', json_build_object('body', repeat('x', ${size * 1_000_000})))`);
    }
    await using sequencer = database.sequencer();
    await database.entries(rowsOfTheTeam + megabytes.length);
    expect(sequencer.hints.map(({ entries }) => entries!.map((e) => Math.floor(e.new!.length / 1_000_000)))).toEqual([
      [1],
      [6],
      [1, 1, 1, 1],
    ]);
    const [to, reads] = [rowsOfTheTeam + megabytes.length, [] as number[]];
    for (let after = rowsOfTheTeam; after < to; after = reads.at(-1)!) {
      reads.push((await database.source.read({ after, to, limit: 100 })).to);
    }
    expect(reads.map((place) => place - rowsOfTheTeam)).toEqual([1, 2, 6]);
  });
});

describe('what is old', () => {
  it('is dropped a segment at a time, and the log says from where on it can be read', async () => {
    await using database = await logDatabase();
    await using sequencer = database.sequencer();
    await database.entries(rowsOfTheTeam);
    await sequencer[Symbol.asyncDispose]();
    await using session = await database.openSession();
    const hour = 3_600_000;
    await database.sql(`update millrace.event_segment set started_at = now() - interval '2 hours'`);
    await turnSegments(session, 12 * hour);
    await database.sql(`update tasks set priority = 42`);
    await using again = database.sequencer(12 * hour);
    await database.entries(rowsOfTheTeam + 4);
    expect(await database.source.extent()).toMatchObject({ first: 1 });
    await again[Symbol.asyncDispose]();
    await database.sql(`update millrace.event_segment set started_at = now() - interval '13 hours' where segment = 2`);
    await turnSegments(session, 12 * hour);
    expect(await database.source.extent()).toMatchObject({ first: rowsOfTheTeam + 1, head: rowsOfTheTeam + 4 });
    const read = await database.source.read({ after: rowsOfTheTeam, to: rowsOfTheTeam + 4, limit: 10 });
    expect(read.entries).toHaveLength(4);
    const tables = await database.sql(
      `select count(*)::int as n from pg_inherits where inhparent = 'millrace.event_log'::regclass`,
    );
    expect(tables).toEqual([{ n: 2 }]);
  });
});
