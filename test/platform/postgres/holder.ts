// A process that holds a share in an embedded server until it is killed: `holder.ts DIRECTORY [rows]`.
// Prints `up PID PORT STARTED_HERE`, then with `rows` the number of each row once its commit was answered.
import pg from 'pg';
import { startEmbeddedPostgres } from '../../../src/platform/postgres/embedded.ts';

const [directory, mode] = process.argv.slice(2);
const postgres = await startEmbeddedPostgres({ directory: directory ?? '' });
process.stdout.write(`up ${process.pid} ${postgres.port} ${postgres.startedHere}\n`);
if (mode === 'rows') {
  const client = new pg.Client({ connectionString: postgres.url('postgres') });
  await client.connect();
  await client.query('CREATE TABLE acknowledged (number int)');
  for (let number = 1; ; number++) {
    await client.query('INSERT INTO acknowledged VALUES ($1)', [number]);
    process.stdout.write(`${number}\n`);
  }
}
setInterval(() => {}, 60_000);
