import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../platform/db.ts';
import type { Logger } from '../platform/log.ts';
import { type EntryTuple, entryColumns, entryLength, isWithin, type LogEntry, toEntry } from './entry.ts';
import type { LogHint } from './log-source.ts';
import { turnSegments } from './segments.ts';
import { sequencerLock } from './tables.ts';

/** What a sequencer needs. */
export interface SequencerParts {
  openSession: () => Promise<Session>;
  /** Told after every commit. */
  announce: (hint: LogHint) => void;
  /** How long entries are kept, in milliseconds. */
  retention: number;
  log: Logger;
}

/** What one statement moves, in rows and in bytes; a row that is larger alone goes alone. */
const largestBatch = 500;
const largestBatchBytes = 4 * 2 ** 20;
/** @NOTE a leader begins small: one that needs too long for a batch is deposed, and the next must not fail at the same one. */
const firstBatch = 50;
/** How long the leader waits between two looks at an empty inbox, in milliseconds: short while there is work, longer after. */
const restless = 4;
const idle = 50;
/**
 * @NOTE a leader that looked again at once would move a dozen rows with each flush of the disk, and take from the writers what
 * that costs. So the more it has moved the longer it lets rows gather, in milliseconds a row, unless it is behind.
 */
const gathering = 0.5;
const longestGathering = 15;
/** How often a candidate asks for the lead; a leader that has moved nothing for `stuckAfter` while rows wait is deposed. */
const candidacy = 150;
const stuckAfter = 800;
const housekeeping = 60_000;

/**
 * Moves what was committed from the inbox into the log, one node at a time: every node runs one, and who holds the lock
 * leads. `seq` comes from a locked row, so it has no gaps; a leader that was believed dead and comes back waits for that row
 * and finds the inbox's rows gone, so nothing is told twice.
 */
export class Sequencer implements AsyncDisposable {
  private readonly parts: SequencerParts;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private wake: () => void = () => {};
  /** Whether this node leads now. */
  isLeader = false;

  constructor(parts: SequencerParts) {
    this.parts = parts;
    this.running = this.run();
  }

  /** Something was just written: look now. */
  poke(): void {
    this.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.running; // @NOTE the session ends with it, and another node may lead
  }

  private async run(): Promise<void> {
    const { log, openSession } = this.parts;
    while (!this.stopping.signal.aborted) {
      try {
        await using session = await openSession();
        if (await this.becomeLeader(session)) await this.lead(session);
      } catch (error) {
        if (this.isLeader && !this.stopping.signal.aborted) log.warn({ err: error }, 'the lead of the log was lost');
      }
      this.isLeader = false;
      await this.pause(candidacy);
    }
  }

  /** Waits for the lead; false when the sequencer ends before. */
  private async becomeLeader(session: Session): Promise<boolean> {
    let seen: { id: unknown; leader: unknown; since: number } | undefined;
    while (!this.stopping.signal.aborted) {
      // @NOTE asked for again and again: to wait in PostgreSQL would hold a snapshot, and with it the clean-up of every table.
      const [row] = await session.query({
        text: `select pg_try_advisory_lock(${sequencerLock}), (select id from millrace.event_inbox order by id limit 1), ${leaderPid}`,
        values: [],
      });
      const [isMine, id, leader] = row as [boolean, unknown, unknown];
      if (isMine) return true;
      // @NOTE of the leader too: one that has just begun is not to be deposed for what the last one left lying.
      if (!seen || id === null || id !== seen.id || leader !== seen.leader) {
        seen = { id, leader, since: performance.now() };
      } else if (performance.now() - seen.since > stuckAfter) {
        await deposeLeader(session, leader);
        seen = undefined;
        await this.pause(restless);
        continue;
      }
      await this.pause(candidacy);
    }
    return false;
  }

  private async lead(session: Session): Promise<void> {
    // A service that shows nobody its control file cannot be asked; then whoever restores it says so.
    await beginNewEpochElsewhere(session).catch((error: unknown) => this.parts.log.debug({ err: error }, 'origin'));
    // @NOTE of what was moved, the table keeps the dead rows until it is vacuumed, and only the index passes them over. PostgreSQL
    // would choose the table: when it plans, the inbox is nearly empty.
    await session.script('set enable_seqscan = off');
    this.isLeader = true;
    this.parts.log.debug('this node moves the log');
    let lastWork = performance.now();
    let lastCare = 0;
    let size = firstBatch;
    while (!this.stopping.signal.aborted) {
      if (performance.now() - lastCare > housekeeping) {
        await this.takeCare(session);
        lastCare = performance.now();
      }
      const moved = await this.moveBatch(session, size);
      if (moved > 0) {
        lastWork = performance.now();
        size = Math.min(largestBatch, size * 2);
        if (moved < size / 2) await sleep(Math.min(longestGathering, moved * gathering));
      } else await this.pause(Math.min(idle, restless + (performance.now() - lastWork) / 20));
    }
  }

  /** What keeps a segment from being dropped, a dump that reads it for one, must not keep the log from moving. */
  private async takeCare(session: Session): Promise<void> {
    try {
      await turnSegments(session, this.parts.retention);
    } catch (error) {
      this.parts.log.warn({ err: error }, 'the log could not be tidied up; it is tried again in a minute');
      await session.script('rollback');
    }
  }

  /** Moves the oldest committed rows in one statement, which is one transaction; returns how many. */
  private async moveBatch(session: Session, size: number): Promise<number> {
    // @NOTE looked for first: the row of the head is locked even when there is nothing to number.
    const waiting = await session.query({
      name: 'inbox_waiting',
      text: 'select id from millrace.event_inbox order by id limit 1',
      values: [],
    });
    if (waiting.length === 0) return 0;
    const rows = await session.query({ name: 'inbox_move', text: moveText, values: [size, largestBatchBytes] });
    const entries = rows.map(([, ...tuple]) => toEntry(tuple as EntryTuple)).sort((a, b) => a.seq - b.seq);
    if (entries.length > 0) this.parts.announce({ epoch: rows[0]![0] as string, ...spanOf(entries), entries });
    return entries.length;
  }

  private async pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const spanOf = (entries: readonly LogEntry[]) => ({ from: entries[0]!.seq, seq: entries.at(-1)!.seq });

// @NOTE `advanced` asks `moved`: else PostgreSQL might write the head before it is read, and a row written by the same
// statement is not seen by it.
const moveText = `
  with head as (select seq, segment from millrace.event_head for update),
  taken as (
    delete from millrace.event_inbox where ctid = any(array(
        select ctid from (
          select ctid, length, sum(length) over (order by id) as together from (
            select ctid, id, ${entryLength('i')} as length from millrace.event_inbox i order by id limit $1
          ) oldest
        ) summed where ${isWithin('$2')}
      )) and exists (select 1 from head) returning *
  ),
  moved as (
    insert into millrace.event_log (segment, seq, at, xid, relation, operation, old, new)
    select head.segment, head.seq + row_number() over (order by taken.id), taken.at, taken.xid, taken.relation,
      taken.operation, taken.old, taken.new from taken, head
    returning *
  ),
  advanced as (
    update millrace.event_head set seq = (select max(moved.seq) from moved) where exists (select 1 from moved) returning epoch
  )
  select advanced.epoch, ${entryColumns('moved')} from moved, advanced`;

/**
 * Begins a new epoch where the database is another one than the leader before has seen: restored from a backup, or a standby
 * that was promoted (both have a new timeline). Entries that were told there may be missing here.
 */
async function beginNewEpochElsewhere(session: Session): Promise<void> {
  await session.query({
    text: `update millrace.event_head h set origin = here.origin,
        epoch = case when h.origin = '' then h.epoch else gen_random_uuid()::text end
      from (
        select (select system_identifier from pg_control_system()) || '/' || (select timeline_id from pg_control_checkpoint()) as origin
      ) here
      where h.origin <> here.origin`,
    values: [],
  });
}

const leaderPid = `(select pid from pg_locks where locktype = 'advisory' and granted and classid = 0
  and objid = ${sequencerLock} and database = (select oid from pg_database where datname = current_database()))`;

/** Ends the session of a leader that is stopped or cut off, if it still leads: the lock goes with it. */
async function deposeLeader(session: Session, leader: unknown): Promise<void> {
  await session.query({ text: `select pg_terminate_backend($1::int) where $1::int = ${leaderPid}`, values: [leader] });
}
