/**
 * Mails to be sent, kept in the database until they are. A **job** says what a mail is about, never what stands in it: the mail
 * is made when it is sent, so that no link and no code is kept anywhere in plain. A node that takes a job has it for a while,
 * its **lease**; when the node dies, the lease ends, and another node sends the mail.
 */

import { MillraceError } from '../../errors.ts';
import type { Database, Queryable } from '../db.ts';
import type { Logger } from '../log.ts';
import { makeTables } from '../own-tables.ts';
import { type Mail, type Mailer, MailRefused } from './mailer.ts';

/** Makes the mail of a job at the time of sending; undefined when there is nothing to send (any more). */
export type MailMaker<Payload> = (payload: Payload) => Promise<Mail | undefined>;

/** What waits to be sent. */
export interface MailQueue extends AsyncDisposable {
  /** Says how the mails of one kind are made. Jobs of a kind that this node does not know wait for one that does. */
  handle<Payload extends object>(kind: string, make: MailMaker<Payload>): void;
  /**
   * Adds a job in the caller's transaction; call `wake` when that is committed.
   * @throws MillraceError UNAVAILABLE when too many jobs wait
   */
  enqueue(tx: Queryable, kind: string, payload: object): Promise<void>;
  /** Looks for jobs now, and not at the next second. */
  wake(): void;
}

/** Bounds of a queue, and its times in milliseconds. */
export interface QueueLimits {
  /** Mails that one node sends at a time. */
  parallel: number;
  /** Jobs that may wait. */
  waiting: number;
  /** For which time a node has a job that it took; longer than an attempt may take. */
  lease: number;
  attempt: number;
  /** How often a node looks. */
  poll: number;
  /** How long those under way may go on when the queue is closed. */
  farewell: number;
  /** Waits before the second attempt, the third, and so on; behind the last one it is given up. */
  backoff: readonly number[];
}

const minute = 60_000;
const usual: QueueLimits = {
  parallel: 4,
  waiting: 10_000,
  lease: 2 * minute,
  attempt: minute,
  poll: 1000,
  farewell: 3000,
  backoff: [5000, 30_000, 2 * minute, 10 * minute, 30 * minute, 60 * minute, 120 * minute, 240 * minute],
};

const table = `
create table if not exists millrace.mail_jobs (
  id bigint generated always as identity primary key,
  kind text not null,
  payload jsonb not null,
  attempts int not null default 0,
  not_before timestamptz not null default now()
);
create index if not exists mail_jobs_due on millrace.mail_jobs (not_before);`;

interface Job {
  id: string;
  kind: string;
  payload: object;
  /** With this one. */
  attempts: number;
}

/** Opens the queue and begins to send; makes its table where it is missing. */
export async function openMailQueue(
  db: Database,
  mailer: Mailer,
  log: Pick<Logger, 'warn' | 'error' | 'info'>,
  limits: Partial<QueueLimits> = {},
): Promise<MailQueue> {
  const { parallel, waiting, lease, attempt, poll, farewell, backoff } = { ...usual, ...limits };
  await makeTables(db, 'millrace.mail_jobs', table);
  const makers = new Map<string, MailMaker<object>>();
  const underWay = new Set<Promise<void>>();
  const closing = new AbortController();
  let isClosed = false;
  let taking: Promise<void> | undefined;
  let isAskedAgain = false;
  let isFailing = false;

  const take = async (count: number): Promise<Job[]> => {
    const rows = await db.query({
      name: 'mail_take',
      text: `with due as (
          select id from millrace.mail_jobs where kind = any($1) and not_before <= now()
          order by not_before limit $2 for update skip locked
        )
        update millrace.mail_jobs j set attempts = attempts + 1, not_before = now() + $3 * interval '1 ms'
        from due where j.id = due.id returning j.id::text, j.kind, j.payload::text, j.attempts`,
      values: [[...makers.keys()], count, lease],
    });
    return rows.map((row) => {
      const [id, kind, payload, attempts] = row as [string, string, string, number];
      return { id, kind, payload: JSON.parse(payload) as object, attempts };
    });
  };
  const finish = (job: Job) =>
    db.query({ name: 'mail_done', text: 'delete from millrace.mail_jobs where id = $1', values: [job.id] });
  /** @NOTE of this attempt only: a lease that has ended may be another node's by now. */
  const putBack = (job: Job, wait: number, isCounted: boolean) =>
    db.query({
      name: 'mail_again',
      text: `update millrace.mail_jobs set not_before = now() + $2 * interval '1 ms', attempts = attempts - $3
        where id = $1 and attempts = $4`,
      values: [job.id, wait, isCounted ? 0 : 1, job.attempts],
    });

  const failed = async (job: Job, error: unknown): Promise<void> => {
    if (closing.signal.aborted) return void (await putBack(job, 0, false));
    const about = { kind: job.kind, attempts: job.attempts, reason: reasonOf(error) };
    const wait = backoff[job.attempts - 1];
    if (error instanceof MailRefused || wait === undefined) {
      log.error(about, 'a mail was given up');
      return void (await finish(job));
    }
    // One line, not one for each mail, while the server is away.
    if (!isFailing) log.warn(about, 'a mail could not be sent; it is tried again');
    isFailing = true;
    await putBack(job, wait, true);
  };
  const work = async (job: Job): Promise<void> => {
    try {
      const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(attempt)]);
      const mail = await makers.get(job.kind)!(job.payload);
      if (mail) await mailer.send(mail, signal);
      if (mail && isFailing) log.info({ kind: job.kind }, 'mails are sent again');
      if (mail) isFailing = false;
    } catch (error) {
      return failed(job, error);
    }
    await finish(job);
  };

  const round = async (): Promise<void> => {
    while (!isClosed && makers.size > 0 && underWay.size < parallel) {
      isAskedAgain = false;
      const jobs = await take(parallel - underWay.size);
      for (const job of jobs) {
        // What fails here is the database's doing: the lease ends, and the job is taken again.
        const done = work(job)
          .catch(() => {})
          .finally(() => {
            underWay.delete(done);
            wake();
          });
        underWay.add(done);
      }
      if (jobs.length === 0 && !isAskedAgain) return;
    }
  };
  const wake = (): void => {
    isAskedAgain = true;
    if (isClosed || taking) return;
    taking = round()
      .catch(() => {})
      .finally(() => {
        taking = undefined;
      });
  };
  const timer = setInterval(wake, poll).unref();

  return {
    handle(kind, make) {
      makers.set(kind, make as MailMaker<object>);
    },
    async enqueue(tx, kind, payload) {
      const added = await tx.query({
        name: 'mail_add',
        text: `insert into millrace.mail_jobs (kind, payload) select $1, $2
          where (select count(*) from (select from millrace.mail_jobs limit $3) jobs) < $3::bigint returning 1`,
        values: [kind, JSON.stringify(payload), waiting],
      });
      if (added.length === 0)
        throw new MillraceError('UNAVAILABLE', 'too many mails wait to be sent', { retryAfter: 60 });
    },
    wake,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearInterval(timer);
      await taking;
      const farewells = setTimeout(() => closing.abort(), farewell);
      await Promise.all(underWay);
      clearTimeout(farewells);
    },
  };
}

/** @NOTE only what we have said ourselves: another error may hold an address, a name, or a link. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && /^(MailRefused|SmtpFailure)$/.test(error.name)
    ? error.message
    : error instanceof MillraceError
      ? error.code
      : 'the mail could not be made';
