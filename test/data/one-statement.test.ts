import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedProject } from '../../src/cli/seed/seed-project.ts';
import { readConfig } from '../../src/config/config.ts';
import { PrismaClient } from '../../src/generated/prisma/client.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { ask } from '../support/postgres.ts';
import { type Asker, startServer, type TestServer } from '../support/server.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

// A PostgreSQL of its own, which writes down every statement that it is sent.
let directory: TemporaryDirectory;
let postgres: EmbeddedPostgres;
let server: TestServer;
let prisma: PrismaClient;

beforeAll(async () => {
  directory = temporaryDirectory();
  postgres = await startEmbeddedPostgres({ directory: directory.path, durable: false });
  const url = postgres.url('counted');
  await seedProject(readConfig({ DATABASE_URL: url, MILLRACE_DIR: directory.path }), { rows: 5000 });
  await ask(postgres.url('postgres'), "ALTER DATABASE counted SET log_statement = 'all'");
  server = await startServer({ databaseUrl: url });
  prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
}, 120_000);

afterAll(async () => {
  await prisma?.$disconnect();
  await server?.[Symbol.asyncDispose]();
  await postgres?.stop();
  directory?.[Symbol.dispose]();
});

/** What the server has written down while this was done, a line for each statement. */
async function statementsOf<T>(work: () => Promise<T>): Promise<[T, string[]]> {
  const log = path.join(directory.path, 'postgres', 'server.log');
  const before = readFileSync(log, 'utf8').length;
  const result = await work();
  // A line that goes on begins with a tab.
  const lines = readFileSync(log, 'utf8').slice(before).replaceAll('\n\t', ' ').split('\n');
  // The log of changes looks after itself meanwhile, and each connection where fuzzy search is.
  const isOfTheLog = (line: string) =>
    /\bmillrace\.event_|pg_try_advisory_lock|pg_trigger|pg_extension|set enable_seqscan/.test(line);
  return [result, lines.filter((line) => /LOG: {2}(?:statement|execute [^:]+): /.test(line) && !isOfTheLog(line))];
}

const query = `
  query ($status: TaskStatus!, $word: String!, $first: Int!, $withLabels: Boolean!) {
    workspaces(orderBy: [{ name: desc }], first: 3) {
      totalCount
      nodes { ...workspace }
    }
    busy: projects(where: { tasks: { some: { status: { equals: $status }, comments: { some: {} } } } }, first: 0) { totalCount }
  }
  fragment workspace on Workspace {
    name
    projects(where: { archived: { equals: false } }, orderBy: [{ tasks: { _count: desc } }], first: $first) {
      totalCount
      nodes {
        name budget startsOn
        open: tasks(where: { status: { equals: $status } }, orderBy: [{ dueAt: { sort: asc, nulls: first } }], first: 4) { ...tasks }
        named: tasks(where: { title: { contains: $word, mode: insensitive } }, last: 2) { ...tasks }
      }
    }
  }
  fragment tasks on TaskConnection {
    totalCount
    nodes {
      ... on Task { id title priority estimate extra }
      assignee { name }
      labels(orderBy: [{ name: asc }]) @include(if: $withLabels) { nodes { name } }
      comments(orderBy: [{ createdAt: desc }], first: 2) {
        nodes { body author { name memberships(first: 1) { nodes { role } } } }
      }
    }
  }`;
const variables = { status: 'DOING', word: 'THE', first: 2, withLabels: true };

describe('a query five relations deep, with fragments and filters', () => {
  const admin = (): Asker => server.as({ role: 'admin' });

  it('is one statement at the database', async () => {
    const [answer, statements] = await statementsOf(() => admin().query(query, variables));
    expect(answer.errors).toBeUndefined();
    expect(statements).toHaveLength(1);
  });

  it('is one statement for a member under rules, and one when it is asked again', async () => {
    const [member] = await ask<{ user_id: string }>(server.databaseUrl, 'SELECT user_id FROM members LIMIT 1');
    const asker = server.as({ sub: member!.user_id });
    for (let time = 0; time < 2; time++) {
      const [answer, statements] = await statementsOf(() => asker.query(query, variables));
      expect(answer.data.workspaces.totalCount).toBeGreaterThan(0);
      expect(statements).toHaveLength(1);
    }
  });

  it('is one statement with all that is measured beside it', async () => {
    const [answer, statements] = await statementsOf(() =>
      admin().query(`{
        tasksAggregate { count { _all } sum { priority } }
        tasksGroupBy(by: [{ status: true }, { createdAt: { unit: month } }], first: 3) { keys { createdAt } avg { estimate } }
        projects(first: 3) { nodes { name tasksAggregate { distinct { assigneeId } max { dueAt } } } }
      }`),
    );
    expect(answer.errors).toBeUndefined();
    expect(statements).toHaveLength(1);
  });

  it('answers what Prisma Client finds', async () => {
    const { data } = await admin().query(query, variables);
    const where = { status: 'DOING' as const };
    const named = { title: { contains: 'the', mode: 'insensitive' as const } };
    const task = {
      id: true,
      title: true,
      priority: true,
      estimate: true,
      extra: true,
      assignee: { select: { name: true } },
      labels: { select: { name: true }, orderBy: [{ name: 'asc' as const }, { id: 'asc' as const }] },
      comments: {
        orderBy: [{ createdAt: 'desc' as const }, { id: 'asc' as const }],
        take: 2,
        select: {
          body: true,
          author: {
            select: {
              name: true,
              memberships: {
                orderBy: [{ workspaceId: 'asc' as const }, { userId: 'asc' as const }],
                take: 1,
                select: { role: true },
              },
            },
          },
        },
      },
    };
    const workspaces = await prisma.workspace.findMany({
      orderBy: [{ name: 'desc' }, { id: 'asc' }],
      take: 3,
      include: {
        projects: { where: { archived: false }, orderBy: [{ tasks: { _count: 'desc' } }, { id: 'asc' }] },
      },
    });
    type Comment = { body: string; author: { name: string; memberships: object[] } };
    const connection = (nodes: { comments: Comment[]; labels: object[] }[], totalCount: number) => ({
      totalCount,
      nodes: nodes.map((node) => ({
        ...node,
        labels: { nodes: node.labels },
        comments: {
          nodes: node.comments.map(({ body, author }) => ({
            body,
            author: { name: author.name, memberships: { nodes: author.memberships } },
          })),
        },
      })),
    });
    const expected = {
      workspaces: {
        totalCount: await prisma.workspace.count(),
        nodes: await Promise.all(
          workspaces.map(async ({ name, projects }) => ({
            name,
            projects: {
              totalCount: projects.length,
              nodes: await Promise.all(
                projects.slice(0, 2).map(async (project) => {
                  const of = { projectId: project.id };
                  const dueFirst = { dueAt: { sort: 'asc' as const, nulls: 'first' as const } };
                  const open = await prisma.task.findMany({
                    where: { ...of, ...where },
                    orderBy: [dueFirst, { id: 'asc' }],
                    take: 4,
                    select: task,
                  });
                  const last = await prisma.task.findMany({
                    where: { ...of, ...named },
                    orderBy: [{ id: 'asc' }],
                    take: -2,
                    select: task,
                  });
                  return {
                    name: project.name,
                    budget: project.budget?.toFixed(2) ?? null,
                    startsOn: project.startsOn?.toISOString().slice(0, 10) ?? null,
                    open: connection(open, await prisma.task.count({ where: { ...of, ...where } })),
                    named: connection(last, await prisma.task.count({ where: { ...of, ...named } })),
                  };
                }),
              ),
            },
          })),
        ),
      },
      busy: {
        totalCount: await prisma.project.count({ where: { tasks: { some: { ...where, comments: { some: {} } } } } }),
      },
    };
    expect(data).toEqual(expected);
    expect(JSON.stringify(data)).toContain('"role"');
  });
});
