// `npm run bench -- --accounts`: what a sign-in costs beside the argon2id it contains, and what it leaves to others.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import pg from 'pg';
import { createHasher } from '../../src/modules/auth/password/hasher.ts';
import { microsecondsOf, ticksPerSecond } from '../cpu.ts';
import { startDatabase } from '../database.ts';
import { start, stop } from '../peers.ts';
import { ratioOfRounds } from '../statistics.ts';
import { furnishTracker } from '../tracker/world.ts';
import type { LoopDelay } from './probe.ts';

/** CPU of a sign-in against its argon2id, and milliseconds of the loop's 99th percentile, at most. */
const gates = { ratio: 1.3, delay: 50 };
const rounds = 7;
const perRound = 20;
const atOnce = 50;
const password = 'ein Fluss im Mai';

/** Measures a server in production mode, prints both figures, and resolves to whether they hold. */
export async function measureSignIns(root: string, say: (line: string) => void): Promise<boolean> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await startDatabase((url) => furnishTracker(url, 10)));
  const env = {
    NODE_ENV: 'production',
    PORT: '0',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    MILLRACE_DIR: path.join(database.directory, 'millrace'),
    LOG_LEVEL: 'warn',
    TRUST_PROXY: 'true', // so that each sign-in comes from a network of its own
  };
  const flags = ['--import', 'tsx', '--import', path.join(root, 'bench/accounts/probe.ts')];
  const server = await start(process.execPath, [...flags, path.join(root, 'src/main.ts')], root, env, true);
  stack.defer(() => stop(server.child));
  const hasher = createHasher();
  const hash = await hasher.hash(password);
  const emails = await furnishAccounts(database.url, hash);
  let count = 0;
  const signIn = async () => {
    count += 1;
    await signInOnce(server.url, emails[count % emails.length]!, count);
  };

  await inParallel(10, signIn); // compiled, prepared, connected
  const ticks = ticksPerSecond();
  const results: { ours: number; theirs: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = microsecondsOf(server.child.pid!, ticks);
    for (let n = 0; n < perRound; n += 1) await signIn();
    const ours = (microsecondsOf(server.child.pid!, ticks) - before) / perRound;
    results.push({ ours, theirs: await costOfHash(() => hasher.verify(hash, password)) });
  }
  const ratio = ratioOfRounds(results);
  const { ours, theirs } = results.at(-1)!;
  say(`CPU of a sign-in: ${(ours / 1000).toFixed(1)} ms, of its argon2id ${(theirs / 1000).toFixed(1)} ms`);
  say(`  ratio (median of ${rounds} rounds)              ${verdict(ratio, gates.ratio, '')}`);

  await ask(server.child);
  const begun = performance.now();
  for (let n = 0; n < 3; n += 1) await inParallel(atOnce, signIn);
  const rate = (3 * atOnce * 1000) / (performance.now() - begun);
  const { p50, p99, max } = await ask(server.child);
  say(`${atOnce} sign-ins at once, ${rate.toFixed(0)} a second; the event loop kept others waiting:`);
  say(`  p50 ${p50.toFixed(1)} ms, max ${max.toFixed(1)} ms, p99         ${verdict(p99, gates.delay, ' ms')}`);
  return ratio <= gates.ratio && p99 <= gates.delay;
}

const verdict = (value: number, gate: number, unit: string): string =>
  `${value.toFixed(2)}${unit} (at most ${gate}${unit})${value <= gate ? '' : ' MISSED'}`;

async function furnishAccounts(url: string, hash: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const emails: string[] = [];
  for (let n = 0; n < atOnce; n += 1) {
    const [id, email] = [randomUUID(), `bench-${n}@mill.test`];
    emails.push(email);
    await client.query('insert into users (id, email, name) values ($1, $2, $3)', [id, email, 'Bench']);
    await client.query('insert into auth_accounts (user_id, email, email_verified_at) values ($1, $2, now())', [
      id,
      email,
    ]);
    await client.query('insert into millrace.auth_passwords (user_id, hash) values ($1, $2)', [id, hash]);
  }
  await client.end();
  return emails;
}

async function signInOnce(url: string, email: string, n: number): Promise<void> {
  const query = `mutation ($email: String!, $password: String!) {
    signIn(email: $email, password: $password) { session { accessToken refreshToken } deviceToken }
  }`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`,
    },
    body: JSON.stringify({ query, variables: { email, password } }),
  });
  const { errors } = (await response.json()) as { errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
}

const inParallel = (times: number, work: () => Promise<void>) => Promise.all(Array.from({ length: times }, work));

/** Microseconds of CPU, all threads together, of one of several. */
async function costOfHash(verify: () => Promise<boolean>): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < perRound; n += 1) await verify();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / perRound;
}

/** What the loop has kept others waiting since this was last asked. */
function ask(child: ChildProcess): Promise<LoopDelay> {
  const told = new Promise<LoopDelay>((resolve) => child.once('message', (message) => resolve(message as LoopDelay)));
  child.send('tell');
  return told;
}
