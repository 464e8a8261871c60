import pg from 'pg';

/** A table that nobody else can read until it is let go: whoever does waits, at a moment that a test can choose. */
export interface HeldTable extends AsyncDisposable {
  /** Process ids of the statements that wait for it. */
  waiting(): Promise<number[]>;
  /** Resolves when a statement waits for it. */
  reached(): Promise<void>;
  /** Cancels the statements that wait for it. */
  cancel(): Promise<void>;
  letGo(): Promise<void>;
}

/** Takes a table, in a transaction of its own. */
export async function holdTable(databaseUrl: string, table: string): Promise<HeldTable> {
  const [holder, watcher] = [0, 1].map(() => new pg.Client({ connectionString: databaseUrl })) as [
    pg.Client,
    pg.Client,
  ];
  await Promise.all([holder.connect(), watcher.connect()]);
  await holder.query(`begin; lock table ${table} in access exclusive mode`);
  const waiting = async () => {
    const { rows } = await watcher.query(
      'select pid from pg_locks where not granted and relation = $1::regclass and database = (select oid from pg_database where datname = current_database())',
      [table],
    );
    return rows.map(({ pid }) => pid as number);
  };
  return {
    waiting,
    async reached() {
      for (const deadline = Date.now() + 5000; Date.now() < deadline; ) {
        if ((await waiting()).length > 0) return;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      throw new Error(`nobody waits for ${table}`);
    },
    async cancel() {
      for (const pid of await waiting()) await watcher.query('select pg_cancel_backend($1)', [pid]);
    },
    letGo: async () => void (await holder.query('commit')),
    [Symbol.asyncDispose]: async () => void (await Promise.all([holder.end(), watcher.end()])),
  };
}
