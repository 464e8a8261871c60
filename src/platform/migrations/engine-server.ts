/**
 * The schema engine as Prisma's command line expects it: a program that it starts, that reads one JSON-RPC request a
 * line and answers a line each; or, with `cli <command>`, does one thing and tells success by its exit code.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { StartupError } from '../../errors.ts';
import { parseDatabaseUrl } from '../database-url.ts';
import { codeOf, createDatabase, dropDatabase, explainConnection, openConnection } from './connection.ts';
import { engineVersion, type SchemaEngine, withSchemaEngine } from './engine.ts';

interface Invocation {
  datamodels: string[];
  datasource: { url?: string; shadowDatabaseUrl?: string };
  command?: string;
  version: boolean;
}

interface Request {
  id: number;
  method?: string;
  params: Record<string, unknown>;
}

/** Serves one invocation by the command line; returns the exit code. */
export async function serveSchemaEngine(argv: string[]): Promise<number> {
  const invocation = readArguments(argv);
  if (invocation.version) {
    process.stdout.write(`schema-engine-wasm ${engineVersion()}\n`);
    return 0;
  }
  return invocation.command ? runCommand(invocation.command, invocation) : serveRequests(invocation);
}

function readArguments(argv: string[]): Invocation {
  const invocation: Invocation = { datamodels: [], datasource: {}, version: false };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--version' || word === '-V') invocation.version = true;
    else if (word === '--datamodels' || word === '--datamodel') invocation.datamodels.push(argv[++i]!);
    else if (word === '--datasource') invocation.datasource = JSON.parse(argv[++i] ?? 'null') ?? {};
    else if (word === 'cli') invocation.command = argv[++i];
    else if (word.startsWith('--')) i++; // preview features, extension types: all with one value
  }
  return invocation;
}

async function runCommand(command: string, { datasource }: Invocation): Promise<number> {
  const url = datasource.url ?? '';
  try {
    if (command === 'can-connect-to-database') await connectOnce(url);
    else if (command === 'create-database') await createDatabase(parseDatabaseUrl(url));
    else if (command === 'drop-database') await dropDatabase(parseDatabaseUrl(url));
    else throw new Error(`the schema engine has no command ${command}`);
    return 0;
  } catch (error) {
    const { message, code } = describe(error, url);
    // @NOTE the command line drops the first line, which is a greeting of the program this one stands in for.
    logLine('INFO', { message: 'the schema engine starts' });
    logLine('ERROR', { is_panic: false, error_code: code ?? 'P1017', message });
    return 1;
  }
}

function logLine(level: string, fields: object): void {
  const line = { timestamp: new Date().toISOString(), level, target: 'schema_engine::logger', fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

async function connectOnce(url: string, script?: string): Promise<void> {
  const client = await openConnection(parseDatabaseUrl(url).connectionString);
  try {
    if (script !== undefined) await client.query(script);
  } finally {
    await client.end();
  }
}

/** Answers requests one after another until the input ends. */
async function serveRequests(invocation: Invocation): Promise<number> {
  const write = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const print = (content: string) => write({ method: 'print', id: Date.now(), params: { content } });
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (!line.trim()) continue;
    const { id, method, params } = JSON.parse(line) as Request;
    if (!method) continue; // the answer to a `print`
    try {
      write({ id, result: (await answer(method, params ?? {}, invocation, print)) ?? null });
    } catch (error) {
      const { message, code } = describe(error, invocation.datasource.url);
      const data = { is_panic: false, message, meta: null, error_code: code ?? null };
      write({ id, error: { code: 4466, message: 'An error happened. Check the data field for details.', data } });
    }
  }
  return 0;
}

type Params = Record<string, unknown>;

async function answer(method: string, params: Params, invocation: Invocation, print: (content: string) => void) {
  const { url = '', shadowDatabaseUrl: shadowUrl } = invocation.datasource;
  const datamodels = invocation.datamodels.map((file): [string, string] => [file, readFileSync(file, 'utf8')]);
  const run = <T>(action: (engine: SchemaEngine) => Promise<T>) =>
    withSchemaEngine(
      { url: url || undefined, shadowUrl, datamodels: datamodels.length ? datamodels : undefined },
      action,
    );
  switch (method) {
    case 'createDatabase': {
      const target = parseDatabaseUrl((params.datasource as { url?: string })?.url ?? url);
      await createDatabase(target);
      return { databaseName: target.database };
    }
    case 'ensureConnectionValidity':
      await connectOnce(url);
      return {};
    case 'dbExecute':
      await connectOnce((params.datasourceType as { url?: string })?.url ?? url, String(params.script));
      return null;
    case 'getDatabaseVersion':
      return run((engine) => engine.version());
    case 'evaluateDataLoss':
    case 'createMigration':
      return run(async (engine) => {
        await rememberHistory(engine, params);
        return call(engine, method, params);
      });
    case 'diff': {
      // The program prints the script itself; the command line shows what it prints.
      const { exitCode, stdout } = await run((engine) => engine.diff(params as never));
      if (stdout !== null) print(stdout);
      return { exitCode, stdout: null };
    }
    default:
      return run((engine) => call(engine, method, params));
  }
}

/** The WebAssembly build compares with the migrations only after it has been made to replay them once. */
async function rememberHistory(engine: SchemaEngine, { migrationsList, filters }: Params): Promise<void> {
  await engine.devDiagnostic({ migrationsList, filters } as Parameters<SchemaEngine['devDiagnostic']>[0]);
}

async function call(engine: SchemaEngine, method: string, params: Params): Promise<unknown> {
  const verb = (engine as unknown as Record<string, unknown>)[method];
  if (typeof verb !== 'function') throw new Error(`the schema engine has no method ${method}`);
  return verb.call(engine, params);
}

/** An error in the words and with the code of Prisma. */
function describe(error: unknown, url = ''): { message: string; code?: string } {
  if (error instanceof StartupError) return { message: `${error.message}. ${error.remedy}` };
  const words = error instanceof Error ? error.message : String(error);
  // The engine adds a trace of its own insides; the person needs the reason and the file.
  const message = words
    .replace(/^external connector error\nError querying the database: /, '')
    .replace(/\n\s+0: [\s\S]*$/, '');
  const [, migration] = /^\s+with migration_name="(.*)"$/m.exec(words) ?? [];
  if (migration && words.startsWith('external'))
    return { message: `The migration ${migration} failed. ${message}`, code: 'P3018' };
  const code = codeOf(error);
  if (!code || /^P\d{4}$/.test(code)) return { message, code };
  const fromDatabase = /^[0-9A-Z]{5}$/.test(code);
  if (fromDatabase && !/^(28|3D|57P03|53300)/.test(code)) return { message };
  const { message: explained, remedy } = explainConnection(error, parseDatabaseUrl(url));
  const known = code === '3D000' ? 'P1003' : code.startsWith('28') ? 'P1000' : 'P1001';
  return { message: `${explained}. ${remedy}`, code: known };
}
