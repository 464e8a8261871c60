import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Pace } from './pace.ts';
import type { Random } from './random.ts';
import type { Change, statuses, TaskState, Truth, Version } from './truth.ts';
import type { World } from './world.ts';

/** What a writer needs. */
export interface WriterParts {
  name: string;
  url: string;
  world: World;
  truth: Truth;
  random: Random;
  pace: Pace;
  /** How long a straggler holds its transaction, in milliseconds. */
  longest: number;
}

/** What writers have been through. */
export interface WriterCounts {
  committed: number;
  rolledBack: number;
  /** Ended by the database: cut off, or in a deadlock. */
  failed: number;
  /** Cut off while they committed; the database was asked what came of it. */
  inDoubt: number;
}

/** A task as it stands in the database. */
export interface TaskRow {
  id: string;
  estimate: number;
  status: (typeof statuses)[number];
  priority: number;
  project_id: string;
  parent_id: string | null;
}

/** The columns that a statement of a writer returns. */
export const taskColumns = 'id, estimate, status, priority, project_id, parent_id';

/** A transaction that is open. */
export interface Work {
  /** Runs a statement that makes versions of tasks, and returns `taskColumns` of each. */
  change(sql: string, values: unknown[]): Promise<void>;
  /** Runs a statement that deletes tasks and returns `taskColumns` of each; other rows as they were before. */
  remove(sql: string, values: unknown[]): Promise<void>;
  ask<Row extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<Row[]>;
}

const rollbackShare = 0.2;

/** Somebody who writes until told to stop, one transaction after the other, and notes in the truth what was committed. */
export abstract class Writer {
  readonly counts: WriterCounts = { committed: 0, rolledBack: 0, failed: 0, inDoubt: 0 };
  protected readonly parts: WriterParts;
  /** The tasks that this writer has made and not deleted. */
  protected readonly own = new Set<string>();
  protected isStopped = false;
  private readonly running: Promise<void>;
  private client: pg.Client | undefined;
  private transactions = 0;

  constructor(parts: WriterParts) {
    this.parts = parts;
    this.running = Promise.resolve().then(() => this.run());
  }

  /** Finishes what is under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await this.client?.end().catch(() => {});
  }

  /** One piece of work; called again and again. */
  protected abstract step(): Promise<void>;

  protected stateOf(row: TaskRow): TaskState {
    const { status, priority, project_id, parent_id } = row;
    return { status, priority, project: this.parts.world.projectNumber(project_id), hasParent: parent_id !== null };
  }

  /** Runs a transaction and commits it, or with some chance rolls it back. */
  protected async transaction(
    work: (tx: Work) => Promise<void>,
    { rollback = rollbackShare }: { rollback?: number } = {},
  ): Promise<void> {
    this.transactions += 1;
    const id = `${this.parts.name} ${this.transactions}`;
    const changes: Change[] = [];
    let committingAt: number | undefined;
    try {
      this.client ??= await this.connect();
      const { client } = this;
      await client.query('begin');
      await client.query('insert into faults_ledger values ($1)', [id]);
      await work(this.work(client, changes));
      if (this.parts.random.chance(rollback)) {
        await client.query('rollback');
        this.counts.rolledBack += 1;
        return;
      }
      committingAt = performance.now();
      await client.query('commit');
      this.note(changes, committingAt);
    } catch (error) {
      await this.dropClient();
      if (committingAt !== undefined) {
        this.counts.inDoubt += 1;
        if (await this.wasCommitted(id)) this.note(changes, committingAt);
      } else {
        this.counts.failed += 1;
        if (!isExpected(error)) throw error;
      }
    }
  }

  /** Asks on a connection of its own, until an answer comes. */
  protected async askPatiently<Row extends pg.QueryResultRow>(sql: string, values: unknown[]): Promise<Row[]> {
    for (;;) {
      const client = await this.connect();
      try {
        return (await client.query<Row>(sql, values)).rows;
      } catch {
        await sleep(50);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  protected note(changes: readonly Change[], committingAt: number): void {
    this.counts.committed += 1;
    this.parts.truth.record(changes, committingAt, performance.now());
    for (const { id, state } of changes) {
      if (state) this.own.add(id);
      else this.own.delete(id);
    }
  }

  /** The last committed version of a task, as far as writers know. */
  protected newest(id: string): Version | undefined {
    return this.parts.truth.newest(id);
  }

  private async run(): Promise<void> {
    while (!this.isStopped) await this.step();
  }

  private work(client: pg.Client, changes: Change[]): Work {
    const run = async (isDeletion: boolean, sql: string, values: unknown[]) => {
      const sentAt = performance.now();
      const { rows } = await client.query<TaskRow>(sql, values);
      for (const row of rows) {
        const version = row.estimate + (isDeletion ? 1 : 0);
        changes.push({ id: row.id, version, state: isDeletion ? undefined : this.stateOf(row), sentAt });
      }
    };
    return {
      change: (sql, values) => run(false, sql, values),
      remove: (sql, values) => run(true, sql, values),
      ask: async (sql, values) => (await client.query(sql, values)).rows,
    };
  }

  private async wasCommitted(id: string): Promise<boolean> {
    return (await this.askPatiently('select 1 from faults_ledger where id = $1', [id])).length > 0;
  }

  private async connect(): Promise<pg.Client> {
    for (;;) {
      const client = new pg.Client({ connectionString: this.parts.url, options: '-c lock_timeout=800' });
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch {
        await client.end().catch(() => {});
        await sleep(50);
      }
    }
  }

  private async dropClient(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => {});
  }
}

/** What the database may say to a writer: it ends, it is in recovery, a lock was not to be had, two transactions wait for each other. */
function isExpected(error: unknown): boolean {
  const { code = '', message } = error as Error & { code?: string };
  if (error instanceof pg.DatabaseError) return ['55P03', '40P01', '57P01', '57P02', '57P03'].includes(code);
  return /^(ECONN|EPIPE)/.test(code) || /connection|not queryable|closed/i.test(message);
}
