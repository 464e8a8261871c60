// The peer that Millrace is measured against: what a good engineer writes by hand for these four reads alone. One statement
// a request, prepared; JSON made by PostgreSQL and passed on as text, which measured better than rows for every shape but the
// single row; verified tokens remembered; the rows of app/rules.ts and no others.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import pg from 'pg';

/** What the peer is started with, as JSON in its first argument. */
export interface HandwrittenOptions {
  url: string;
  jwks: JSONWebKeySet;
  issuer: string;
  poolSize: number;
}

interface Viewer {
  id: string;
  isAdmin: boolean;
  until: number;
}

interface Statement {
  text: (isAdmin: boolean) => string;
  values: (input: Record<string, unknown>) => unknown[];
  /** The answer's text, of the only row's only column. */
  wrap: (json: string | null) => string;
}

const taskColumns = 't.id, t.title, t.status, t.priority, t.estimate, t.due_at as "dueAt", t.created_at as "createdAt"';

// Comments are seen with their task, so they need no rule of their own here. $1 is the viewer. For one task a look along
// its keys is cheapest, for many the list of projects.
const ownTask = `exists (
  select from projects p join members m on m.workspace_id = p.workspace_id where p.id = t.project_id and m.user_id = $1)`;
const ownTasks = `t.project_id = any(array(
  select p.id from projects p join members m on m.workspace_id = p.workspace_id where m.user_id = $1))`;
const knownUser = `(u.id = $1 or exists (
  select from members theirs join members mine on mine.workspace_id = theirs.workspace_id
  where theirs.user_id = u.id and mine.user_id = $1))`;

// @NOTE `$1` is there for the admin too, so that the values are the same.
const always = '$1::uuid is not null';
const task = (isAdmin: boolean) => (isAdmin ? always : ownTask);
const tasks = (isAdmin: boolean) => (isAdmin ? always : ownTasks);
const users = (isAdmin: boolean) => (isAdmin ? 'true' : knownUser);

const person = (isAdmin: boolean, id: string) =>
  `(select row_to_json(x) from (select u.id, u.name from users u where u.id = ${id} and ${users(isAdmin)}) x)`;

const statements: Record<string, Statement> = {
  '/by-id': {
    text: (isAdmin) =>
      `select row_to_json(x)::text from (select ${taskColumns} from tasks t where t.id = $2 and ${task(isAdmin)}) x`,
    values: ({ id }) => [id],
    wrap: (json) => `{"data":{"task":${json}}}`,
  },
  '/nested': {
    text: (isAdmin) => `select coalesce(json_agg(x), '[]')::text from (
      select t.id, t.title, t.status, ${person(isAdmin, 't.assignee_id')} as assignee, (
        select json_build_object('nodes', coalesce(json_agg(c), '[]')) from (
          select k.id, k.body, k.created_at as "createdAt", ${person(isAdmin, 'k.author_id')} as author
          from (select * from comments where task_id = t.id order by created_at desc, id limit 3) k
        ) c
      ) as comments
      from (select * from tasks t where ${tasks(isAdmin)} order by t.created_at desc, t.id limit 50) t
    ) x`,
    values: () => [],
    wrap: (json) => `{"data":{"tasks":{"nodes":${json}}}}`,
  },
  '/flat': {
    text: (isAdmin) => `select coalesce(json_agg(x), '[]')::text from (
      select ${taskColumns} from tasks t where ${tasks(isAdmin)} order by t.created_at desc, t.id limit 1000
    ) x`,
    values: () => [],
    wrap: (json) => `{"data":{"tasks":{"nodes":${json}}}}`,
  },
  '/page': {
    text: (isAdmin) => {
      const matching = `from tasks t where t.status = $2 and t.priority >= $3 and ${tasks(isAdmin)}`;
      return `select json_build_object('totalCount', (select count(*) ${matching}), 'nodes', (
        select coalesce(json_agg(x), '[]') from (
          select t.id, t.title, t.status, t.priority, t.due_at as "dueAt" ${matching}
          order by t.due_at desc nulls last, t.id limit 20
        ) x
      ))::text`;
    },
    values: ({ status, priority }) => [status, priority],
    wrap: (json) => `{"data":{"tasks":${json}}}`,
  },
};

const options = JSON.parse(process.argv[2]!) as HandwrittenOptions;
const keys = createLocalJWKSet(options.jwks);
const pool = new pg.Pool({
  connectionString: options.url,
  max: options.poolSize,
  options: '-c plan_cache_mode=force_generic_plan -c jit=off -c TimeZone=UTC',
});
const verified = new Map<string, Viewer>();

const server = createServer((request, response) => {
  answer(request).then(
    (text) => {
      response.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': Buffer.byteLength(text),
      });
      response.end(text);
    },
    (error: unknown) => {
      response.writeHead(error instanceof SyntaxError ? 400 : 500);
      response.end();
    },
  );
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`up at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));

async function answer(request: IncomingMessage): Promise<string> {
  const [viewer, body] = await Promise.all([authenticate(request.headers.authorization ?? ''), readBody(request)]);
  const path = request.url ?? '';
  const statement = statements[path];
  if (!statement) throw new Error(`nothing at ${path}`);
  const { rows } = await pool.query<[string]>({
    name: `${path}:${viewer.isAdmin}`,
    text: statement.text(viewer.isAdmin),
    values: [viewer.id, ...statement.values(JSON.parse(body) as Record<string, unknown>)],
    rowMode: 'array',
  } as pg.QueryArrayConfig);
  return statement.wrap(rows[0]?.[0] ?? null);
}

async function authenticate(header: string): Promise<Viewer> {
  const known = verified.get(header);
  if (known && Date.now() < known.until) return known;
  const { payload } = await jwtVerify(header.slice('Bearer '.length), keys, { issuer: options.issuer });
  const viewer = { id: payload.sub!, isAdmin: payload.role === 'admin', until: Date.now() + 60_000 };
  if (verified.size >= 1000) verified.clear();
  verified.set(header, viewer);
  return viewer;
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}
