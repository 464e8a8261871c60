import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MillraceNode } from './nodes.ts';
import { type Change, statuses, type TaskState } from './truth.ts';
import { type TaskRow, taskColumns, type Work, Writer, type WriterParts } from './writer.ts';

const anyStatus = `(array['TODO', 'DOING', 'DONE']::task_status[])[1 + floor(random() * 3)::int]`;
const anyPriority = 'floor(random() * 10)::int';
/** Most tasks a writer keeps; above it, it deletes more than it makes. */
const mostOwn = 400;

/** Inserts, updates, moves and deletes many rows at a time, in transactions of random length. */
export class BulkWriter extends Writer {
  protected override async step(): Promise<void> {
    const { random, pace } = this.parts;
    const statements = 1 + random.below(5);
    const rows = 3 + random.below(20);
    await pace.take(statements * rows);
    await this.transaction(async (tx) => {
      for (let n = 0; n < statements; n += 1) {
        const kind = random.below(this.own.size > mostOwn ? 10 : 7);
        if (this.own.size < 20 || kind < 2) await this.insert(tx, rows);
        else if (kind < 6) await this.update(tx, random.sample([...this.own], rows));
        else await this.delete(tx, random.sample([...this.own], 1 + Math.floor(rows / 4)));
        if (random.chance(0.3)) await sleep(random.below(30));
      }
    });
  }

  private insert(tx: Work, count: number): Promise<void> {
    const { random, world } = this.parts;
    const permanent = world.projects.filter(
      ({ isDoomed, workspace }) => !isDoomed && (workspace === 0 || random.chance(0.5)),
    );
    const parents = random.sample([...this.own], 3);
    const rows = Array.from({ length: count }, (_, n) => ({
      id: randomUUID(),
      project: random.pick(permanent).id,
      parent: parents.length > 0 && random.chance(0.3) ? random.pick(parents) : null,
      title: `${this.parts.name} ${n}`,
    }));
    return tx.change(
      `insert into tasks (id, project_id, parent_id, title, status, priority, updated_at)
        select id, project, (select t.id from tasks t where t.id = parent), title, ${anyStatus}, ${anyPriority}, now()
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) u(id, project, parent, title) returning ${taskColumns}`,
      [rows.map((r) => r.id), rows.map((r) => r.project), rows.map((r) => r.parent), rows.map((r) => r.title)],
    );
  }

  private update(tx: Work, ids: string[]): Promise<void> {
    const { random, world } = this.parts;
    const target = random.pick(world.projects.filter(({ isDoomed }) => !isDoomed)).id;
    return tx.change(
      `update tasks set status = ${anyStatus}, priority = ${anyPriority}, updated_at = now(),
        project_id = case when random() < 0.15 then $2 else project_id end where id = any($1) returning ${taskColumns}`,
      [ids, target],
    );
  }

  /** Deletes tasks; their subtasks lose their parent, which is a change of theirs that no statement of ours makes. */
  private async delete(tx: Work, ids: string[]): Promise<void> {
    const children = await tx.ask<{ id: string }>('select id from tasks where parent_id = any($1)', [ids]);
    await tx.remove(`delete from tasks where id = any($1) returning ${taskColumns}`, [ids]);
    if (children.length === 0) return;
    await tx.change(`select ${taskColumns} from tasks where id = any($1)`, [children.map(({ id }) => id)]);
  }
}

/** Updates rows that others update at the same time. */
export class HotWriter extends Writer {
  private readonly hot: readonly string[];

  constructor(parts: WriterParts, hot: readonly string[]) {
    super(parts);
    this.hot = hot;
  }

  protected override async step(): Promise<void> {
    const { random, pace } = this.parts;
    const ids = random.sample(this.hot, 2 + random.below(8));
    await pace.take(ids.length);
    await this.transaction((tx) => updateHot(tx, ids));
  }
}

/** Holds a transaction open for long, between changes that are old when they are committed. */
export class Straggler extends Writer {
  private readonly hot: readonly string[];

  constructor(parts: WriterParts, hot: readonly string[]) {
    super(parts);
    this.hot = hot;
  }

  protected override async step(): Promise<void> {
    const { random, world, longest } = this.parts;
    await this.transaction(
      async (tx) => {
        const project = random.pick(world.projects.filter(({ isDoomed }) => !isDoomed)).id;
        await tx.change(insertInto, [randomUUID(), project, this.parts.name]);
        if (random.chance(0.3)) await updateHot(tx, random.sample(this.hot, 1));
        const ids = random.sample(
          [...this.own].filter((id) => !this.hot.includes(id)),
          5,
        );
        for (let n = 0; n < 2; n += 1) {
          await sleep(longest / 8 + random.below(longest / 2));
          await tx.change(
            `update tasks set status = ${anyStatus}, priority = ${anyPriority} where id = any($1) returning ${taskColumns}`,
            [ids],
          );
        }
      },
      { rollback: 0.3 },
    );
  }
}

/** Fills projects and deletes them with all that is in them. */
export class CascadeWriter extends Writer {
  protected override async step(): Promise<void> {
    const { random, world, pace } = this.parts;
    const project = world.addProject(random.below(world.workspaces.length), true);
    const size = 5 + random.below(20);
    await pace.take(size * 3);
    await this.transaction(
      async (tx) => {
        await tx.ask('insert into projects (id, workspace_id, name) values ($1, $2, $3)', [
          project.id,
          world.workspaces[project.workspace],
          'Doomed',
        ]);
        for (let n = 0; n < size; n += 1) await tx.change(insertInto, [randomUUID(), project.id, this.parts.name]);
      },
      { rollback: 0.1 },
    );
    await sleep(random.below(600));
    await this.transaction((tx) =>
      tx.change(`update tasks set status = ${anyStatus} where project_id = $1 returning ${taskColumns}`, [project.id]),
    );
    await sleep(random.below(600));
    for (let isThere = true; isThere; ) {
      await this.transaction(async (tx) => {
        await tx.remove(`select ${taskColumns} from tasks where project_id = $1 for update`, [project.id]);
        await tx.ask('delete from projects where id = $1', [project.id]);
      });
      const [left] = await this.askPatiently('select 1 from projects where id = $1', [project.id]);
      isThere = left !== undefined;
    }
  }
}

/** Writes through the API of a random node, one row at a time. */
export class ApiWriter extends Writer {
  private readonly nodes: readonly MillraceNode[];
  private readonly token: string;

  constructor(parts: WriterParts, nodes: readonly MillraceNode[], token: string) {
    super(parts);
    this.nodes = nodes;
    this.token = token;
  }

  protected override async step(): Promise<void> {
    const { random, world, pace } = this.parts;
    await pace.take(1);
    await sleep(15);
    const ids = [...this.own];
    const kind = random.below(ids.length > 60 ? 10 : 7);
    const data = { status: random.pick(statuses), priority: random.below(10) };
    if (ids.length < 5 || kind < 2) {
      const id = randomUUID();
      const projectId = random.pick(world.projects.filter(({ isDoomed }) => !isDoomed)).id;
      const create = 'mutation ($data: CreateTaskInput!) { createTask(data: $data) { id } }';
      await this.mutate(create, { data: { ...data, id, projectId, title: this.parts.name } }, id);
    } else {
      const id = random.pick(ids);
      const isUpdate = kind < 6;
      const update =
        'mutation ($where: TaskWhereUniqueInput!, $data: UpdateTaskInput!) { updateTask(where: $where, data: $data) { id } }';
      const remove = 'mutation ($where: TaskWhereUniqueInput!) { deleteTask(where: $where) { id } }';
      await this.mutate(isUpdate ? update : remove, { where: { id }, ...(isUpdate && { data }) }, id);
    }
  }

  /** @NOTE nobody else writes the row, so what the database holds afterwards tells what came of a request, answered or not. */
  private async mutate(query: string, variables: Record<string, unknown>, id: string): Promise<void> {
    const sentAt = performance.now();
    const isAnswered = await this.post(query, variables);
    if (!isAnswered) {
      this.counts.inDoubt += 1;
      await sleep(500); // a node that was killed while it committed: PostgreSQL may not be done yet
    }
    const before = this.newest(id);
    const [row] = await this.askPatiently<TaskRow>(`select ${taskColumns} from tasks where id = $1 for update`, [id]);
    const change = changeOf(id, before, row && { version: row.estimate, state: this.stateOf(row) }, sentAt);
    if (change) this.note([change], sentAt);
    else this.counts.failed += 1;
  }

  private async post(query: string, variables: Record<string, unknown>): Promise<boolean> {
    try {
      const response = await fetch(`${this.parts.random.pick(this.nodes).url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
        body: JSON.stringify({ query, variables }),
      });
      const { errors } = (await response.json()) as { errors?: unknown };
      return errors === undefined;
    } catch {
      await sleep(50);
      return false;
    }
  }
}

/** What has become of a row that nobody else writes; undefined when nothing has. */
function changeOf(
  id: string,
  before: Change | undefined,
  now: { version: number; state: TaskState } | undefined,
  sentAt: number,
): Change | undefined {
  const was = before?.version ?? 0;
  if (now) return now.version > was ? { id, ...now, sentAt } : undefined;
  return before?.state ? { id, version: was + 1, state: undefined, sentAt } : undefined;
}

const insertInto = `insert into tasks (id, project_id, title, status, priority, updated_at)
  values ($1, $2, $3, ${anyStatus}, ${anyPriority}, now()) returning ${taskColumns}`;

/** @NOTE locked in the order of their ids, so that two writers seldom wait for each other. */
const updateHot = (tx: Work, ids: readonly string[]): Promise<void> =>
  tx.change(
    `update tasks set status = ${anyStatus}, priority = ${anyPriority}
      where id in (select id from tasks where id = any($1) order by id for update) returning ${taskColumns}`,
    [ids],
  );
