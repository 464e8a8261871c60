import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { StartupError } from '../errors.ts';
import { parseRedisUrl } from './redis-url.ts';
import { parseSender, parseSmtpUrl } from './smtp-url.ts';
import { trustProxy } from './trust-proxy.ts';
import { costsByRole, flag, integer, origins, parsed, url, type Variable, word } from './variable.ts';

/** Every variable that Millrace knows, in the order of `.env.example`, by section. */
export const variables = {
  'The server': {
    NODE_ENV: {
      ...word,
      expects: 'production, or anything else for development',
      prose: 'In production nothing is shown that a stranger need not see, and the server listens on every address.',
      default: 'development',
    },
    HOST: {
      ...word,
      expects: 'an address or host name to listen on',
      prose: 'The address to listen on.',
      default: { development: '127.0.0.1', production: '0.0.0.0' },
    },
    PORT: { ...integer(0, 65_535, 'a port'), prose: 'The port to listen on; 0 takes any free one.', default: '4000' },
    MILLRACE_DIR: {
      ...word,
      expects: 'a directory',
      prose: 'Where everything embedded keeps its data: PostgreSQL, signing keys. Relative to the project.',
      default: '.millrace',
    },
    MAX_BODY_BYTES: {
      ...integer(1_024, 1_073_741_824, 'a number of bytes'),
      prose: 'The largest request body that is read.',
      default: '1000000',
    },
    CORS_ORIGINS: {
      type: origins,
      expects: 'origins separated by commas, such as https://app.example.com,http://localhost:5173, or *',
      prose: 'Web pages of these origins may call the API. None unless named.',
      example: 'https://app.example.com',
    },
    TRUST_PROXY: {
      ...trustProxy,
      prose: 'Whose X-Forwarded-For tells who the clients are: so many proxies in a row, or those of these addresses.',
      default: 'false',
    },
    LOG_LEVEL: {
      type: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
      expects: 'debug, info, warn, error or silent',
      prose: 'The least severe lines to log.',
      default: 'info',
    },
  },
  'The database': {
    DATABASE_URL: {
      ...url(
        ['postgresql:', 'postgres:'],
        'a URL such as postgresql://user:password@host:5432/database (special characters of the password as %40, %23 …)',
      ),
      prose: 'A PostgreSQL of yours, 14 or newer. Without it an embedded one runs under MILLRACE_DIR.',
      example: 'postgresql://user:password@localhost:5432/app',
      secret: true,
    },
    DATABASE_POOL_SIZE: {
      ...integer(1, 1_000, 'a number of connections'),
      prose: 'The most connections that one process opens.',
      default: '10',
    },
    DATABASE_STATEMENT_TIMEOUT: {
      ...integer(1, 3_600_000, 'milliseconds'),
      prose: 'A statement that takes longer than this many milliseconds is cancelled.',
      default: '10000',
    },
  },
  'Several nodes': {
    REDIS_URL: {
      type: parsed(parseRedisUrl),
      expects:
        'redis://user:password@host:6379 (rediss:// for TLS), several host:port of one cluster separated by commas, ' +
        'or redis+sentinel://user:password@host:26379,host:26379/master-name?sentinelPassword=… (special characters as %40, %2C …)',
      prose:
        'A Redis of yours, 6 or newer, by which nodes that share a database hear of each other. One node needs none.',
      example: 'redis://:password@localhost:6379',
      secret: true,
    },
    REDIS_PREFIX: {
      type: z
        .string()
        .trim()
        .regex(/^[\x21-\x7e]{1,100}$/),
      expects: '1 to 100 letters, digits and signs without spaces',
      prose: 'What every name in Redis begins with. Installations that share a Redis differ in it.',
      default: 'millrace:',
    },
  },
  'What is live': {
    CHANGE_RETENTION_HOURS: {
      ...integer(1, 8_760, 'a number of hours'),
      prose: 'How long changes are kept for those who come back and go on where they were.',
      default: '72',
    },
    MAX_CONNECTIONS_PER_ADDRESS: {
      ...integer(1, 1_000_000, 'a number of connections'),
      prose: 'WebSockets, and event streams, that one address may keep open; behind a proxy see TRUST_PROXY.',
      default: '500',
    },
    MAX_CONNECTIONS_PER_USER: {
      ...integer(1, 1_000_000, 'a number of connections'),
      prose: 'WebSockets, and event streams, that one user may keep open.',
      default: '50',
    },
    MAX_OPERATIONS_PER_CONNECTION: {
      ...integer(1, 100_000, 'a number of operations'),
      prose: 'Operations that may run on one WebSocket at a time.',
      default: '100',
    },
    MAX_MESSAGES_PER_SECOND: {
      ...integer(1, 1_000_000, 'a number of messages'),
      prose: 'Messages that one WebSocket may send in a second.',
      default: '100',
    },
  },
  'Who is asking': {
    JWKS_URL: {
      ...url(['https:', 'http:'], 'a URL such as https://auth.example.com/.well-known/jwks.json'),
      prose:
        'Tokens are verified by the keys published here. Without it Millrace signs its own, with a key under MILLRACE_DIR.',
      example: 'https://auth.example.com/.well-known/jwks.json',
    },
    JWT_ISSUER: {
      ...word,
      expects: "the issuer's name",
      prose: 'Tokens of another issuer (iss) are refused. Set it whenever JWKS_URL is set.',
      example: 'https://auth.example.com/',
    },
    JWT_AUDIENCE: {
      ...word,
      expects: "this API's name",
      prose: 'Tokens made for another audience (aud) are refused. Set it when the issuer serves several APIs.',
      example: 'millrace',
    },
    ADMIN_ROLE: {
      ...word,
      expects: 'the name of a role',
      prose: 'Whose token carries this role may read and write everything.',
      default: 'admin',
    },
  },
  Accounts: {
    PUBLIC_URL: {
      ...url(['https:', 'http:'], 'the address at which browsers reach this server, such as https://api.example.com'),
      prose:
        'What links in mails, sign-in by other providers and passkeys are made of. In development it is http://localhost and the port; ' +
        'in production none of these is to be had without it.',
      example: 'https://api.example.com',
    },
    AUTH_SECRET: {
      type: z
        .string()
        .trim()
        .min(32)
        .refine((text) => new Set(text).size > 7),
      expects: 'a random text of 32 characters or more, as `openssl rand -base64 32` prints it',
      prose:
        'What everything secret of accounts is sealed by. All nodes of an installation share it; without it, it is a file ' +
        'under MILLRACE_DIR. Keep a copy: without it nobody stays signed in, and second factors are lost.',
      example: 'change-me-to-what-openssl-rand-has-printed',
      secret: true,
    },
    SMTP_URL: {
      type: parsed(parseSmtpUrl),
      expects:
        'smtp://user:password@host:587 or smtps://user:password@host:465 (special characters of the password as %40, %23 …)',
      prose:
        'Where mails are handed over: encrypted, unless it is this machine or `?tls=optional` or `?tls=never` says so. Without it ' +
        'none can be sent; on the embedded database in development they are shown at /dev/mail.',
      example: 'smtp://user:password@mail.example.com:587',
      secret: true,
    },
    MAIL_FROM: {
      type: parsed(parseSender),
      expects: 'an address, or a name and an address, such as Example <hello@example.com>',
      prose: 'Who mails are from. Set it whenever SMTP_URL is set.',
      example: 'Example <hello@example.com>',
    },
  },
  'The API': {
    GRAPHQL_INTROSPECTION: {
      ...flag,
      prose: 'Tell the schema, and suggest names for misspelt ones.',
      default: { development: 'true', production: 'false' },
    },
    GRAPHIQL: {
      ...flag,
      prose: 'Show GraphiQL to browsers at /graphql.',
      default: { development: 'true', production: 'false' },
    },
    GRAPHQL_MAX_TOKENS: {
      ...integer(1, 1_000_000, 'a number'),
      prose: 'Words and signs in a document, at most.',
      default: '2000',
    },
    GRAPHQL_MAX_DEPTH: { ...integer(1, 1_000, 'a number'), prose: 'Levels of a document, at most.', default: '16' },
    GRAPHQL_MAX_ALIASES: {
      ...integer(0, 100_000, 'a number'),
      prose: 'Aliases in a document, at most.',
      default: '50',
    },
    MAX_COST: {
      ...integer(1, 999_999_999_999, 'a number'),
      prose:
        'What one request may cost: about the rows that it could be answered with. Refused before anything is read.',
      default: '200000',
    },
    MAX_COST_BY_ROLE: {
      type: costsByRole,
      expects: 'roles and what a request of each may cost, such as admin=1000000,partner=20000',
      prose: 'Another limit for those whose token carries a role.',
      example: 'admin=1000000,partner=20000',
    },
    REPORT_COST: {
      ...flag,
      prose: 'Say in `extensions.cost` of each answer what it cost, and how much it could have.',
      default: 'true',
    },
    MAX_BATCH: {
      ...integer(0, 1_000, 'a number of operations'),
      prose: 'Operations in one request, at most; 0 refuses lists of them. Together they may cost as much as one.',
      default: '10',
    },
    PAGE_SIZE: {
      ...integer(1, 100_000, 'a number of rows'),
      prose: 'Rows in a page that does not say how many.',
      default: '50',
    },
    MAX_PAGE_SIZE: { ...integer(1, 100_000, 'a number of rows'), prose: 'Rows in a page, at most.', default: '500' },
    MAX_ANSWER_BYTES: {
      ...integer(1_024, 268_435_456, 'a number of bytes'),
      prose: 'The largest answer that is sent. Each request under way may need several times as much memory.',
      default: '20000000',
    },
    CURSOR_SECRET: {
      type: z.string().trim().min(16),
      expects: 'a text of 16 characters or more',
      prose:
        'Hides keys that a viewer may not read where they stand in cursors. Nodes that share their clients share it; ' +
        'without it, such cursors end with the process.',
      example: 'change-me-to-something-random',
      secret: true,
    },
    PLAN_CACHE_SIZE: {
      ...integer(1, 1_000_000, 'a number of plans'),
      prose: 'Compiled documents that are kept for the next time.',
      default: '1000',
    },
    PERSISTED_OPERATIONS: {
      ...word,
      expects: 'a JSON file',
      prose:
        'The operations that clients may name instead of writing them out, as a code generator lists them. Relative to the project.',
      example: 'app/persisted-documents.json',
    },
    PERSISTED_ONLY: {
      ...flag,
      prose: 'Execute nothing but the operations of PERSISTED_OPERATIONS, except for the admin role.',
      default: 'false',
    },
    PUBLIC_MAX_AGE: {
      ...integer(0, 31_536_000, 'a number of seconds'),
      prose: 'How long anybody may keep the answer to a persisted query that a stranger has asked by GET.',
      default: '0',
    },
  },
} as const satisfies Record<string, Record<string, Variable>>;

type Sections = typeof variables;
type Table = { [S in keyof Sections]: (merged: Sections[S]) => void }[keyof Sections] extends (merged: infer T) => void
  ? T
  : never;
type ValueOf<V> = V extends { type: z.ZodType<infer T> } ? (V extends { default: unknown } ? T : T | undefined) : never;

/** The name of a variable that Millrace knows. */
export type VariableName = keyof Table;

/** Every variable, read: typed, with its default where it was not set. */
export type Environment = { [N in VariableName]: ValueOf<Table[N]> };

/** Environment variables as the operating system hands them over. */
export type RawEnvironment = Record<string, string | undefined>;

/** The environment of this process, as it was given: the only place where `process.env` is read. */
export function processEnvironment(): RawEnvironment {
  return { ...process.env };
}

/** Adds the variables of `<root>/.env`, if there is such a file; what the environment itself sets, and not to nothing, wins. */
export function withDotEnv(root: string, env: RawEnvironment): RawEnvironment {
  const path = join(root, '.env');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return env;
    throw new StartupError(`${path} cannot be read.`, 'Make it a file that this user may read, or remove it.', {
      cause: error,
    });
  }
  const set = Object.entries(env).filter(([, value]) => value?.trim());
  return { ...parseEnv(text), ...Object.fromEntries(set) };
}

/** Reads every variable; throws one StartupError that names all that are wrong. An empty variable counts as unset. */
export function readEnvironment(env: RawEnvironment): Environment {
  const mode = env.NODE_ENV?.trim() === 'production' ? 'production' : 'development';
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of allVariables()) {
    const given = env[name]?.trim() ? env[name] : undefined;
    const text = given ?? (typeof variable.default === 'object' ? variable.default[mode] : variable.default);
    if (text === undefined) continue;
    const { success, data } = variable.type.safeParse(text);
    if (success) values[name] = data;
    else problems.push(describeProblem(name, variable, text));
  }
  const read = values as Environment;
  if (read.PAGE_SIZE > read.MAX_PAGE_SIZE) {
    problems.push(`PAGE_SIZE is ${read.PAGE_SIZE}: expected at most MAX_PAGE_SIZE, which is ${read.MAX_PAGE_SIZE}.`);
  }
  if (read.SMTP_URL && !read.MAIL_FROM) {
    problems.push('SMTP_URL is set: expected MAIL_FROM to say who mails are from.');
  }
  if (read.PERSISTED_ONLY && read.PERSISTED_OPERATIONS === undefined) {
    problems.push('PERSISTED_ONLY is true: expected PERSISTED_OPERATIONS to name the operations.');
  }
  if (mode === 'production' && read.AUTH_SECRET === variables.Accounts.AUTH_SECRET.example) {
    problems.push('AUTH_SECRET is the example that everybody knows: expected one of your own.');
  }
  if (problems.length > 0) throw new StartupError(problems.join('\n'), remedy);
  return read;
}

const remedy = 'Correct it in the environment or in .env; `npx millrace env` explains every variable.';

function describeProblem(name: string, variable: Variable, text: string): string {
  const shown = variable.secret ? 'is not understood (its value is not shown)' : `is ${JSON.stringify(text)}`;
  return `${name} ${shown}: expected ${variable.expects}.`;
}

function allVariables(): [string, Variable][] {
  return Object.values(variables).flatMap((section) => Object.entries<Variable>(section));
}
