import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { Datamodel } from '../../src/data/model/datamodel.ts';
import { readDatamodel } from '../../src/data/model/read-datamodel.ts';
import { readSchemaFiles } from '../../src/data/model/schema-files.ts';
import { installCapture } from '../../src/log/capture.ts';
import type { LogEntry } from '../../src/log/entry.ts';
import type { LogHint, LogSource } from '../../src/log/log-source.ts';
import { createPostgresLog } from '../../src/log/postgres-log.ts';
import { Sequencer } from '../../src/log/sequencer.ts';
import { type Database, openDatabase, openSession, type Session } from '../../src/platform/db.ts';
import { openLog } from '../../src/platform/log.ts';
import { ask, testDatabase } from './postgres.ts';
import { insertTeam } from './team.ts';

/** The example's database with its log, and nothing that moves it unless the test asks. */
export interface LogDatabase extends AsyncDisposable {
  url: string;
  db: Database;
  datamodel: Datamodel;
  source: LogSource;
  sql(text: string): Promise<Record<string, unknown>[]>;
  openSession(): Promise<Session>;
  /** A node's part in moving the log; `hints` is what it has announced. */
  sequencer(retention?: number): Sequencer & { hints: LogHint[] };
  /** All entries, once the log holds so many and the inbox is empty. */
  entries(count: number): Promise<readonly LogEntry[]>;
}

/** Makes a database of a test's own, captured before the team is inserted where `captured` is not false. */
export async function logDatabase(options: { captured?: boolean } = {}): Promise<LogDatabase> {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await testDatabase());
  const db = stack.use(openDatabase({ url, size: 5, statementTimeout: 10_000 }, { onError: () => {} }));
  const datamodel = readDatamodel(await readSchemaFiles(process.cwd()));
  if (options.captured !== false) await installCapture(db, datamodel);
  await insertTeam(url);
  const source = createPostgresLog(db);
  const open = () => openSession({ url, statementTimeout: 10_000 });
  const owned = stack.move();
  return {
    url,
    db,
    datamodel,
    source,
    sql: (text) => ask(url, text),
    openSession: open,
    sequencer(retention = 3_600_000) {
      const hints: LogHint[] = [];
      const announce = (hint: LogHint) => void hints.push(hint);
      const made = new Sequencer({ openSession: open, announce, retention, log: openLog('silent') });
      return Object.assign(made, { hints });
    },
    async entries(count) {
      const deadline = Date.now() + 10_000;
      while ((await source.extent()).head < count || (await source.lag()) > 0) {
        if (Date.now() > deadline) throw new Error(`the log has not come to ${count} entries`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { entries } = await source.read({ after: 0, to: Number.MAX_SAFE_INTEGER, limit: 100_000 });
      return entries;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
