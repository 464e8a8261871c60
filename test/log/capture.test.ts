import { describe, expect, it } from 'vitest';
import { capturedTables, inspectCapture, installCapture } from '../../src/log/capture.ts';
import { createCursorSeal } from '../../src/log/cursor.ts';
import { logDatabase } from '../support/log-database.ts';
import { team } from '../support/team.ts';

describe('capture', () => {
  it('is put on every table of the schema, join tables among them, and once', async () => {
    await using database = await logDatabase({ captured: false });
    const first = await installCapture(database.db, database.datamodel);
    expect(first.captured.sort()).toEqual(
      [
        ...['_LabelToTask', 'comments', 'documents', 'labels', 'members', 'projects', 'tasks', 'users', 'workspaces'],
        ...['accounts', 'api_keys', 'devices', 'events', 'identities', 'passkeys', 'sessions'].map((t) => `auth_${t}`),
        ...['organizations', 'organization_members', 'organization_invitations'],
      ]
        .map((t) => `public.${t}`)
        .sort(),
    );
    expect(first.wasBroken).toBe(false);
    expect(await installCapture(database.db, database.datamodel)).toEqual({ captured: [], wasBroken: false });
  });

  it('is made once when many nodes start at the same time', async () => {
    await using database = await logDatabase({ captured: false });
    const all = await Promise.all(Array.from({ length: 5 }, () => installCapture(database.db, database.datamodel)));
    expect(all.filter((i) => i.captured.length > 0)).toHaveLength(1);
    expect(await inspectCapture(database.db, capturedTables(database.datamodel))).toEqual({
      missing: [],
      isCurrent: true,
    });
  });

  it('that a table has lost is put back, and a new epoch says that something may be missing', async () => {
    await using database = await logDatabase();
    await using _ = database.sequencer();
    await database.entries(23);
    const before = await database.source.extent();
    await database.sql(`drop trigger "Millrace_capture" on tasks`);
    await database.sql(`update tasks set title = 'unheard' where id = '${team.pond}'`);
    expect(await installCapture(database.db, database.datamodel)).toEqual({
      captured: ['public.tasks'],
      wasBroken: true,
    });
    const after = await database.source.extent();
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.head).toBe(before.head);
  });

  it('of an older version is replaced without a new epoch, and of a newer one is left alone', async () => {
    await using database = await logDatabase();
    const { epoch } = await database.source.extent();
    const described = () => database.sql(`select obj_description('millrace.capture'::regproc, 'pg_proc') as version`);
    const [installed] = await described();
    await database.sql(`comment on function millrace.capture() is 'version 1'`);
    expect(await installCapture(database.db, database.datamodel)).toEqual({ captured: [], wasBroken: false });
    expect(await described()).toEqual([installed]);
    await database.sql(`comment on function millrace.capture() is 'version 1000'`);
    expect(await installCapture(database.db, database.datamodel)).toEqual({ captured: [], wasBroken: false });
    expect(await described()).toEqual([{ version: 'version 1000' }]);
    expect((await database.source.extent()).epoch).toBe(epoch);
  });

  it('tells apart rows that differ in the spelling of a json value only', async () => {
    await using database = await logDatabase();
    await database.sql(`create table notes (id int primary key, body json, price numeric);
      create trigger "Millrace_capture" after insert or update or delete on notes
        for each row execute function millrace.capture('public.notes');
      insert into notes values (1, '{"a":1}', 1.0)`);
    for (const change of [`body = '{"a": 1}'`, 'price = 1.00', `body = body, price = price`]) {
      await database.sql(`update notes set ${change}`);
    }
    const rows = await database.sql(
      `select old::text as old, new::text as new from millrace.event_inbox where relation = 'public.notes' order by id`,
    );
    expect(rows).toEqual([
      { old: null, new: '{"id":1,"body":{"a":1},"price":1.0}' },
      { old: '{"id":1,"body":{"a":1},"price":1.0}', new: '{"id":1,"body":{"a": 1},"price":1.0}' },
      { old: '{"id":1,"body":{"a": 1},"price":1.0}', new: '{"id":1,"body":{"a": 1},"price":1.00}' },
    ]);
  });

  it('that was switched off is noticed', async () => {
    await using database = await logDatabase();
    await database.sql('alter table tasks disable trigger "Millrace_capture"');
    const { missing } = await inspectCapture(database.db, capturedTables(database.datamodel));
    expect(missing.map((t) => t.name)).toEqual(['tasks']);
  });

  it('does not ask whoever writes for rights on the log', async () => {
    await using database = await logDatabase();
    const role = `writer_${Math.random().toString(36).slice(2)}`;
    await database.sql(
      `create role ${role}; grant usage on schema public to ${role}; grant select, update on tasks to ${role}`,
    );
    await database.sql(
      `begin; set local role ${role}; update tasks set title = 'by another' where id = '${team.pond}'; commit`,
    );
    const [row] = await database.sql(
      `select new->>'title' as title from millrace.event_inbox order by id desc limit 1`,
    );
    expect(row).toEqual({ title: 'by another' });
    await expect(database.sql(`begin; set local role ${role}; select * from millrace.event_inbox`)).rejects.toThrow(
      'permission',
    );
    await database.sql(`drop owned by ${role}; drop role ${role}`);
  });
});

describe('a cursor', () => {
  it('comes back as it was sealed, says nothing, and cannot be made or changed by others', () => {
    const seal = createCursorSeal('one secret');
    const position = { epoch: 'e1', seq: 1234 };
    const cursor = seal.seal(position);
    expect(seal.open(cursor)).toEqual(position);
    expect(seal.seal(position)).toBe(cursor);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toContain('1234');
    expect(createCursorSeal('another secret').open(cursor)).toBeUndefined();
    for (const wrong of ['', 'x', cursor.slice(1), `${cursor}AAAA`, 'A'.repeat(cursor.length), 'A'.repeat(10_000)]) {
      expect(seal.open(wrong)).toBeUndefined();
    }
    for (let i = 0; i < cursor.length - 1; i += 1) {
      const changed = cursor.slice(0, i) + (cursor[i] === 'A' ? 'B' : 'A') + cursor.slice(i + 1);
      expect(seal.open(changed)).toBeUndefined();
    }
  });
});
