import pg from 'pg';
import { expect } from 'vitest';
import type { TestServer } from '../../support/server.ts';
import { openSocket, type SocketClient } from '../../support/socket.ts';
import { idOf } from './ids.ts';
import { type Asking, documentOf, markerNumber, markerWord } from './subscriptions.ts';

const scope = 'eeeeeeee';
const [user, workspace, project, task, label, comment] = (
  ['user', 'workspace', 'project', 'task', 'label', 'comment'] as const
).map((kind) => idOf(scope, kind, 0));

const markerRows = `
  insert into users (id, email, name) values ('${user}', '${markerWord}', '${markerWord}');
  insert into workspaces (id, name, slug) values ('${workspace}', '${markerWord}', '${markerWord}');
  insert into members (workspace_id, user_id, role) values ('${workspace}', '${user}', 'owner');
  insert into projects (id, workspace_id, name, budget) values ('${project}', '${workspace}', '${markerWord}', 999);
  insert into labels (id, workspace_id, name) values ('${label}', '${workspace}', '${markerWord}');
  insert into tasks (id, project_id, title, priority, updated_at) values ('${task}', '${project}', '${markerWord}', 999, now());
  insert into "_LabelToTask" values ('${label}', '${task}');
  insert into comments (id, task_id, author_id, body) values ('${comment}', '${task}', '${user}', '${markerWord}');`;

/** Changes what no filter looks at, of one row of each model that is listened to. */
const markerChange = `
  update users set created_at = created_at + interval '1 day' where id = '${user}';
  update members set joined_at = joined_at + interval '1 day' where user_id = '${user}';
  update projects set created_at = created_at + interval '1 day' where id = '${project}';
  update tasks set created_at = created_at + interval '1 day' where id = '${task}';
  update comments set created_at = created_at + interval '1 day' where id = '${comment}';`;

/** How long a round waits for all who play, in milliseconds. */
const together = 500;

/**
 * Tells when all streams have passed what was committed: a marker follows it, and listeners of its own, one for each form of
 * subscription that is in use, hear the marker. A form is judged for all who ask in it at once, so what they hear is older.
 */
export class Barrier implements AsyncDisposable {
  private readonly client: pg.Client;
  /** Holds the row that the log's numbers come from, so that nothing is moved into the log. */
  private readonly holder: pg.Client;
  private readonly sockets: Record<'user' | 'admin', SocketClient>;
  private readonly markers = new Map<string, Promise<{ waiting: unknown[] }>>();
  private waiters: (() => void)[] = [];
  private running: Promise<void> | undefined;
  /** How many play: their rounds are one. */
  private playing = 0;
  rounds = 0;

  private constructor(client: pg.Client, holder: pg.Client, sockets: Record<'user' | 'admin', SocketClient>) {
    this.client = client;
    this.holder = holder;
    this.sockets = sockets;
  }

  static async open(server: TestServer): Promise<Barrier> {
    const client = new pg.Client({ connectionString: server.databaseUrl });
    const holder = new pg.Client({ connectionString: server.databaseUrl });
    await Promise.all([client.connect(), holder.connect()]);
    await client.query(markerRows);
    const [asUser, asAdmin] = [await openSocket(server, { sub: user! }), await openSocket(server, { role: 'admin' })];
    return new Barrier(client, holder, { user: asUser, admin: asAdmin });
  }

  /** Takes a form of subscription into account, before anybody listens in it. */
  async watch(asking: Asking, form: number, by: 'user' | 'admin', hasEvents: boolean): Promise<void> {
    const key = `${by} ${asking.model} ${form} ${hasEvents}`;
    const opening = this.markers.get(key);
    if (opening) return void (await opening);
    const where = asking.wheres[form]!(markerWord, markerNumber);
    const scoped = by === 'admin' ? { AND: [scopeOf(asking.model, [scope])!, ...(where ? [where] : [])] } : where;
    const variables = { ...(scoped && { where: scoped }), ...(hasEvents && { events: ['UPDATED'] }) };
    const stream = this.sockets[by].subscribe(documentOf(asking), variables);
    const made = stream.next(20_000).then(() => ({ waiting: stream.waiting as unknown[] }));
    this.markers.set(key, made);
    await made;
  }

  /** Takes part in rounds until the returned function is called. */
  join(): () => void {
    this.playing += 1;
    return () => {
      this.playing -= 1;
    };
  }

  /** Resolves when whatever was committed before the call has been told. */
  pass(): Promise<void> {
    const passed = new Promise<void>((resolve) => this.waiters.push(resolve));
    this.running ??= this.run().finally(() => (this.running = undefined));
    return passed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.client.end(), this.holder.end()]);
    await Promise.all(Object.values(this.sockets).map((socket) => socket[Symbol.asyncDispose]()));
  }

  private async run(): Promise<void> {
    while (this.waiters.length > 0) {
      const longest = performance.now() + together;
      while (this.waiters.length < this.playing && performance.now() < longest)
        await new Promise((resolve) => setTimeout(resolve, 1));
      const waiters = this.waiters.splice(0);
      const markers = await Promise.all(this.markers.values());
      for (const marker of markers) marker.waiting.length = 0;
      await this.client.query(markerChange);
      // @NOTE without a transaction this is a warning.
      await this.holder.query('commit');
      this.rounds += 1;
      const deadline = Date.now() + 20_000;
      const isTold = (result: unknown) => JSON.stringify(result).includes('"UPDATED"');
      while (!markers.every(({ waiting }) => waiting.some(isTold))) {
        if (Date.now() > deadline) expect.fail('a marker was not told');
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      // What was written before the markers has been read as well, two turns later.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      // Most rounds are moved into the log, and judged, at once; in the others the log moves while they write.
      if (this.rounds % 8 > 0) await this.holder.query('begin; select from millrace.event_head for update');
      for (const resolve of waiters) resolve();
    }
  }
}

/** The admin role sees all histories at once: a condition that holds for those of some scopes. */
export function scopeOf(model: string, scopes: readonly string[]): object | undefined {
  const ids = scopes.flatMap((s) => [0, 1, 2].map((n) => idOf(s, 'project', n)));
  if (model === 'Task') return { projectId: { in: ids } };
  return model === 'Project' ? { id: { in: ids } } : undefined;
}
