import pg from 'pg';

/** A database with one workspace whose tasks all viewers see, and a connection to change them by. */
export interface Board extends AsyncDisposable {
  url: string;
  /** Changes one task in a transaction of its own; resolves when it is committed. */
  change(number: number): Promise<void>;
  /** Changes so many tasks in one transaction. */
  burst(count: number): Promise<void>;
}

/** Members of the workspace who are made for the bench. */
export const memberCount = 1000;
/** The first of them: a user id for every number from 0 to `memberCount - 1`. */
export const memberId = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`;

const workspaceId = '00000000-0000-7000-9000-000000000001';
const projectId = '00000000-0000-7000-9000-000000000002';
const tasksAtHand = 200;
const taskId = (number: number) => `00000000-0000-7000-a000-${String(number % tasksAtHand).padStart(12, '0')}`;

/** Puts the workspace, its members and its tasks into the database that others are copied from. */
export async function furnishBoard(url: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(`
      insert into workspaces (id, name, slug) values ('${workspaceId}', 'Bench', 'bench');
      insert into projects (id, workspace_id, name) values ('${projectId}', '${workspaceId}', 'Bench');
      insert into users (id, email, name)
        select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'member' || n || '@example.com', 'Member ' || n
        from generate_series(0, ${memberCount - 1}) n;
      insert into members (workspace_id, user_id)
        select '${workspaceId}', ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid
        from generate_series(0, ${memberCount - 1}) n;
      insert into tasks (id, project_id, title, status, priority, estimate, due_at, updated_at)
        select ('00000000-0000-7000-a000-' || lpad(n::text, 12, '0'))::uuid, '${projectId}', 'change 000000 of the bench', 'DOING',
          3, 2.5, now() + interval '30 days', now()
        from generate_series(0, ${tasksAtHand - 1}) n;
      analyze`);
  } finally {
    await client.end();
  }
}

/** Copies a furnished database under another name. */
export async function copyBoard(url: string, name: string): Promise<Board> {
  const template = new URL(url).pathname.slice(1);
  const admin = await connect(withDatabase(url, 'template1'));
  try {
    await admin.query(`create database ${name} template ${template}`);
  } finally {
    await admin.end();
  }
  const copy = withDatabase(url, name);
  const client = await connect(copy);
  return {
    url: copy,
    async change(number) {
      await client.query({ name: 'change', text: changeText, values: [taskId(number), titleOf(number)] });
    },
    async burst(count) {
      const ids = Array.from({ length: count }, (_, n) => taskId(n));
      await client.query(`update tasks set title = $1, updated_at = now() where id = any($2::uuid[])`, [
        titleOf(Date.now()),
        ids,
      ]);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Writers who each change tasks of their own, one transaction after the other. */
export async function openWriters(
  url: string,
  count: number,
): Promise<AsyncDisposable & { run(forMs: number): Promise<number> }> {
  const clients = await Promise.all(Array.from({ length: count }, () => connect(url)));
  return {
    /** Writes for so many milliseconds; resolves with the commits. */
    async run(forMs) {
      const end = performance.now() + forMs;
      let commits = 0;
      const write = async (client: pg.Client, writer: number) => {
        for (let n = 0; performance.now() < end; n += 1) {
          const own = writer + count * (n % Math.floor(tasksAtHand / count));
          await client.query({ name: 'change', text: changeText, values: [taskId(own), titleOf(n)] });
          commits += 1;
        }
      };
      await Promise.all(clients.map(write));
      return commits;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

const changeText = 'update tasks set title = $2, updated_at = now() where id = $1';

/** @NOTE always as long, so that every frame is. */
const titleOf = (number: number) => `change ${String(number % 1_000_000).padStart(6, '0')} of the bench`;

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
