// A server that is killed while it writes documents of many rows. `KILLS=100 npx vitest run test/faults/killed-writes.test.ts` is the
// long form; see README.md.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ask, testDatabase } from '../support/postgres.ts';
import { askAs, type Program, startMain, startProgram, urlIn } from '../support/program.ts';
import { insertTeam, team } from '../support/team.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { createRandom, type Random } from './random.ts';

const kills = Number(process.env.KILLS ?? 10);
const seed = Number(process.env.SEED ?? 1);
const clientCount = 4;
/** Rows of a document: a project, four tasks, two subtasks of each, a comment on each of these. */
const whole = 1 + 4 + 8 + 8;

/** A project with all that is in it, each row of which bears the document's name and version; one client alone writes it. */
interface Document {
  name: string;
  /** The version that was answered last; 0 before the first. */
  answered: number;
  /** The version that was sent last. */
  sent: number;
}

const id = (document: number, row: number): string =>
  `00000000-0000-4000-8000-${String(document * 100 + row).padStart(12, '0')}`;
const numberOf = ({ name }: Document): number => Number(name.slice(1));

/** All of it at once, four levels deep. */
function creation(document: Document): string {
  const [n, mark] = [numberOf(document), `${document.name} v${document.sent}`];
  const subtask = (row: number) =>
    `{ id: "${id(n, row)}", projectId: "${id(n, 0)}", title: "${mark}",
       comments: { create: [{ id: "${id(n, row + 50)}", authorId: "${team.ben}", body: "${mark}" }] } }`;
  const task = (row: number) =>
    `{ id: "${id(n, row)}", title: "${mark}", subtasks: { create: [${subtask(row * 10)} ${subtask(row * 10 + 1)}] } }`;
  return `mutation { createProject(data: { id: "${id(n, 0)}", workspaceId: "${team.mill}", name: "${mark}",
    tasks: { create: [${[1, 2, 3, 4].map(task).join(' ')}] } }) { id } }`;
}

/** Every row of it is changed, deleted and made again, or made to be another one. */
function change(document: Document): string {
  const [n, mark] = [numberOf(document), `${document.name} v${document.sent}`];
  const subtask = (row: number) =>
    `{ where: { id: "${id(n, row)}" }, data: { title: "${mark}",
       comments: { deleteMany: [{}], create: [{ authorId: "${team.ben}", body: "${mark}" }] } } }`;
  const task = (row: number) =>
    `{ where: { id: "${id(n, row)}" }, data: { title: "${mark}", subtasks: { update: [${subtask(row * 10)} ${subtask(row * 10 + 1)}] } } }`;
  return `mutation { updateProject(where: { id: "${id(n, 0)}" }, data: { name: "${mark}",
    tasks: { update: [${[1, 2, 3, 4].map(task).join(' ')}] } }) { id } }`;
}

/** What of a document is stored: how many rows of each version. */
async function storedOf(databaseUrl: string): Promise<Map<string, Map<number, number>>> {
  const rows = await ask<{ name: string; version: number; count: number }>(
    databaseUrl,
    `select split_part(mark, ' v', 1) as name, split_part(mark, ' v', 2)::int as version, count(*)::int as count
       from (select name from projects union all select title from tasks union all select body from comments) as rows (mark)
      where mark ~ '^d[0-9]+ v' group by 1, 2`,
  );
  const stored = new Map<string, Map<number, number>>();
  for (const { name, version, count } of rows) stored.set(name, (stored.get(name) ?? new Map()).set(version, count));
  return stored;
}

/** Resolves when PostgreSQL has done with what the dead server sent it last. */
async function waitForSilence(databaseUrl: string): Promise<void> {
  const sessions = `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  for (;;) {
    const [row] = await ask<{ n: number }>(databaseUrl, sessions);
    if (row!.n === 0) return;
    await sleep(10);
  }
}

/** Writes one document after the other until the server is gone. */
async function write(
  url: string,
  token: string,
  documents: Document[],
  own: () => Document | undefined,
  random: Random,
): Promise<Document | undefined> {
  for (;;) {
    let document = random.chance(0.5) ? own() : undefined;
    if (!document) {
      document = { name: `d${documents.length + 1}`, answered: 0, sent: 0 };
      documents.push(document);
    }
    document.sent = document.answered + 1;
    const query = document.answered === 0 ? creation(document) : change(document);
    const answer = await askAs(url, token, query).catch(() => undefined);
    if (answer === undefined) return document;
    expect(answer, query).not.toHaveProperty('errors');
    document.answered = document.sent;
  }
}

it(
  `stores every document wholly or not at all, and each that was answered, through ${kills} kills of the server`,
  async () => {
    await using database = await testDatabase();
    await insertTeam(database.url);
    using directory = temporaryDirectory('millrace-killed');
    const settings = { DATABASE_URL: database.url, MILLRACE_DIR: directory.path, HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
    const minting = startProgram(
      [process.execPath, 'bin/millrace.mjs', 'token', '--sub', team.ben, '--expires', '8h'],
      process.cwd(),
      settings,
    );
    await minting.ended;
    const token = minting.output().trim();

    const random = createRandom(seed);
    const documents: Document[] = [];
    const tally = { answered: 0, 'in flight': 0, 'stored nevertheless': 0 };
    for (let round = 1; round <= kills; round += 1) {
      const first = documents.length;
      await using server: Program = startMain(process.cwd(), settings);
      const url = await urlIn(server);
      const before = documents.reduce((sum, document) => sum + document.answered, 0);
      const clients = Array.from({ length: clientCount }, (_, client) => {
        // A document of an earlier round is somebody's in this one.
        const mine = documents.slice(0, first).filter((d) => numberOf(d) % clientCount === client && d.answered > 0);
        return write(url, token, documents, () => (mine.length > 0 ? random.pick(mine) : undefined), random);
      });
      const written = Promise.all(clients);
      // Mostly among writes that follow on others, else among the first ones of a server that has just begun.
      const answered = () => documents.reduce((sum, document) => sum + document.answered, 0);
      while (round % 4 !== 0 && answered() === before) await sleep(5);
      await sleep(random.below(600));
      server.child.kill('SIGKILL');
      const cut = (await written).filter((document) => document !== undefined);
      await server.ended;
      await waitForSilence(database.url);

      const stored = await storedOf(database.url);
      for (const { name, answered, sent } of documents) {
        const versions = [...(stored.get(name) ?? [])];
        const isThere =
          versions.length === 1 && versions[0]![1] === whole && [answered, sent].includes(versions[0]![0]);
        const isNot = versions.length === 0 && answered === 0;
        expect(isThere || isNot, `round ${round}: ${name} v${answered}/v${sent} is ${JSON.stringify(versions)}`).toBe(
          true,
        );
      }
      expect(stored.size).toBeLessThanOrEqual(documents.length);
      tally.answered += answered() - before;
      tally['in flight'] += cut.length;
      for (const document of cut) {
        const [version] = stored.get(document.name)?.keys() ?? [];
        if (version === document.sent) {
          tally['stored nevertheless'] += 1;
          document.answered = version;
        } else document.sent = document.answered;
      }
      if (round % 10 === 0) console.log(`${round} kills: ${JSON.stringify(tally)}, ${documents.length} documents`);
    }
    // The kills have hit what they are for: writes under way, most of which came to nothing.
    expect(tally['in flight']).toBeGreaterThan(kills);
    expect(tally['in flight'] - tally['stored nevertheless']).toBeGreaterThan(kills / 2);
    expect(tally.answered).toBeGreaterThanOrEqual(kills / 2);
  },
  kills * 10_000 + 60_000,
);
