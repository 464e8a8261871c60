// The peer that the gates are held to: what a good engineer writes by hand for these requests alone. One statement a request,
// prepared; JSON made by PostgreSQL and passed on as text, which measured better than rows for every shape but the single
// row; verified tokens remembered; the rows that the world's rules let through and no others.
import { createServer, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { statements as blog } from './blog/statements.ts';
import { announce, createAuthenticator, readPeerOptions } from './peer-server.ts';
import { statements as tracker } from './tracker/statements.ts';

const options = readPeerOptions();
const authenticate = createAuthenticator(options);
const statements = new Map(
  Object.entries({ blog, tracker }[options.world]).map(([name, statement]) => [`/${name}`, statement]),
);
const pool = new pg.Pool({
  connectionString: options.url,
  max: options.poolSize,
  options: '-c plan_cache_mode=force_generic_plan -c jit=off -c TimeZone=UTC',
});

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
      response.end(String(error));
    },
  );
});
server.listen(0, '127.0.0.1', () => announce(server));

async function answer(request: IncomingMessage): Promise<string> {
  const [viewer, body] = await Promise.all([authenticate(request.headers.authorization ?? ''), readBody(request)]);
  const path = request.url ?? '';
  const statement = statements.get(path);
  if (!statement) throw new Error(`nothing at ${path}`);
  const { rows } = await pool.query<[string]>({
    name: `${path}:${viewer.isAdmin}`,
    text: statement.text(viewer.isAdmin),
    values: [viewer.id, ...statement.values(JSON.parse(body) as Record<string, unknown>)],
    rowMode: 'array',
  } as pg.QueryArrayConfig);
  return statement.wrap(rows[0]?.[0] ?? null);
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}
