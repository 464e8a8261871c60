import { join, resolve } from 'node:path';
import { type Environment, processEnvironment, type RawEnvironment, readEnvironment, withDotEnv } from './env.ts';
import type { RedisAddress } from './redis-url.ts';
import type { MailSender, SmtpServer } from './smtp-url.ts';
import type { TrustProxy } from './trust-proxy.ts';

/** Everything that Millrace can be told from outside, checked; whatever was not said has its default here. */
export interface Config {
  /** `production` exactly when NODE_ENV says so. */
  environment: 'development' | 'production';
  /** The project's directory, absolute: it holds `prisma/` and `app/`. */
  root: string;
  /** Where everything embedded keeps its data, absolute. */
  directory: string;
  http: HttpConfig;
  database: DatabaseConfig;
  pool: PoolConfig;
  bus: BusConfig;
  tokens: TokensConfig;
  accounts: AccountsConfig;
  secrets: SecretsConfig;
  mail: MailConfig;
  graphql: GraphqlConfig;
  streams: StreamConfig;
  /** How long changes are kept for those who come back, in milliseconds. */
  changeRetention: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** How the server meets its clients. */
export interface HttpConfig {
  host: string;
  /** 0 takes any free port. */
  port: number;
  maxBodyBytes: number;
  /** Operations that one request may hold. */
  maxBatch: number;
  /** Origins of other sites' pages that may call the API; `*` is any. */
  corsOrigins: string[];
  trustProxy: TrustProxy;
  /** Browsers see https, as they always do in production: cookies are theirs over it alone. */
  secureCookies: boolean;
  /** Seconds for which answers to strangers may be kept by whoever passes them on. */
  publicMaxAge: number;
}

/** An embedded PostgreSQL that keeps its data in `<directory>/postgres`, or one that runs elsewhere. */
export type DatabaseConfig = { kind: 'embedded'; directory: string } | { kind: 'external'; url: string };

/** How many connections one process opens, and how long a statement may take, in milliseconds. */
export interface PoolConfig {
  size: number;
  statementTimeout: number;
}

/** How the nodes of an installation hear of each other: there is but one, or they meet in Redis under `prefix`. */
export type BusConfig = { kind: 'in-process' } | ({ kind: 'redis'; prefix: string } & RedisAddress);

/** Who signs the tokens (keys of our own in `directory`, or the ones published at `url`) and what they must say. */
export interface TokensConfig {
  source: { kind: 'local'; directory: string } | { kind: 'jwks'; url: string };
  issuer?: string;
  audience?: string;
  /** The role that may do everything. */
  adminRole: string;
}

/** Where accounts are reached. */
export interface AccountsConfig {
  /** The address of this installation, as others reach it; in production undefined unless it was said. */
  publicUrl?: string;
  /** Origins of other sites' pages at which sign-ins may end. */
  origins: readonly string[];
  adminRole: string;
  /** What a password's hash costs; as `hasher.ts` says, unless another is put here. */
  hashing?: { memory?: number; passes?: number; atOnce?: number; waiting?: number };
}

/** The secret of this installation: the one that was said, or the one that is kept in `directory`. */
export interface SecretsConfig {
  secret?: string;
  directory: string;
}

/** How mails leave: by a server, into the outbox that a developer reads, or not at all. */
export type MailConfig = { kind: 'smtp'; server: SmtpServer; from: MailSender } | { kind: 'outbox' } | { kind: 'none' };

/** How much one client may keep open, and what may come over it. */
export interface StreamConfig {
  /** Origins of other sites' pages that may open streams; `*` is any. */
  origins: string[];
  trustProxy: TrustProxy;
  maxMessageBytes: number;
  connectionsPerAddress: number;
  connectionsPerUser: number;
  operationsPerConnection: number;
  messagesPerSecond: number;
  /** Milliseconds in which a new socket has to introduce itself. */
  initTimeout: number;
}

/** What the API tells of itself and how much one document may ask for. */
export interface GraphqlConfig {
  introspection: boolean;
  graphiql: boolean;
  limits: {
    tokens: number;
    depth: number;
    aliases: number;
    pageSize: number;
    maxPageSize: number;
    answerBytes: number;
    cursorSecret?: string;
  };
  cost: CostConfig;
  planCacheSize: number;
  explain: ExplainConfig;
  /** The list of operations that clients may name, absolute; with `only`, nothing else is executed. */
  persisted?: { file: string; only: boolean };
}

/** Who is told what the rules come to for others, besides the admin role: everybody, where `isOpen`. */
export interface ExplainConfig {
  isOpen: boolean;
  adminRole: string;
}

/** How much one request may cost, and whether answers say what they did. */
export interface CostConfig {
  max: number;
  /** By the role of who asks, in place of `max`. */
  byRole: ReadonlyMap<string, number>;
  isReported: boolean;
}

/** Reads the environment and `<cwd>/.env`; throws one StartupError that names every wrong variable. */
export function readConfig(env: RawEnvironment = processEnvironment(), cwd: string = process.cwd()): Config {
  const root = resolve(cwd);
  const read = readEnvironment(withDotEnv(root, env));
  const directory = resolve(root, read.MILLRACE_DIR);
  return {
    environment: read.NODE_ENV === 'production' ? 'production' : 'development',
    root,
    directory,
    http: {
      host: read.HOST,
      port: read.PORT,
      maxBodyBytes: read.MAX_BODY_BYTES,
      maxBatch: read.MAX_BATCH,
      corsOrigins: read.CORS_ORIGINS ?? [],
      trustProxy: read.TRUST_PROXY,
      secureCookies: read.NODE_ENV === 'production' || read.PUBLIC_URL?.startsWith('https:') === true,
      publicMaxAge: read.PUBLIC_MAX_AGE,
    },
    database: databaseConfig(read, directory),
    pool: { size: read.DATABASE_POOL_SIZE, statementTimeout: read.DATABASE_STATEMENT_TIMEOUT },
    bus: read.REDIS_URL ? { kind: 'redis', prefix: read.REDIS_PREFIX, ...read.REDIS_URL } : { kind: 'in-process' },
    tokens: tokensConfig(read, directory),
    accounts: accountsConfig(read),
    secrets: { directory: join(directory, 'keys'), ...(read.AUTH_SECRET && { secret: read.AUTH_SECRET }) },
    mail: mailConfig(read),
    graphql: graphqlConfig(read, root),
    streams: streamConfig(read),
    changeRetention: read.CHANGE_RETENTION_HOURS * 3_600_000,
    logLevel: read.LOG_LEVEL,
  };
}

function databaseConfig(read: Environment, directory: string): DatabaseConfig {
  if (read.DATABASE_URL) return { kind: 'external', url: read.DATABASE_URL };
  return { kind: 'embedded', directory };
}

function tokensConfig(read: Environment, directory: string): TokensConfig {
  return {
    source: read.JWKS_URL
      ? { kind: 'jwks', url: read.JWKS_URL }
      : { kind: 'local', directory: join(directory, 'keys') },
    ...(read.JWT_ISSUER && { issuer: read.JWT_ISSUER }),
    ...(read.JWT_AUDIENCE && { audience: read.JWT_AUDIENCE }),
    adminRole: read.ADMIN_ROLE,
  };
}

function accountsConfig(read: Environment): AccountsConfig {
  const publicUrl = read.PUBLIC_URL ?? (read.NODE_ENV === 'production' ? undefined : `http://localhost:${read.PORT}`);
  return {
    ...(publicUrl !== undefined && { publicUrl }),
    origins: (read.CORS_ORIGINS ?? []).filter((origin) => origin !== '*'),
    adminRole: read.ADMIN_ROLE,
  };
}

function mailConfig(read: Environment): MailConfig {
  // That there is a sender is checked where the environment is read.
  if (read.SMTP_URL) return { kind: 'smtp', server: read.SMTP_URL, from: read.MAIL_FROM! };
  return { kind: isOnesOwn(read) ? 'outbox' : 'none' };
}

function graphqlConfig(read: Environment, root: string): GraphqlConfig {
  return {
    introspection: read.GRAPHQL_INTROSPECTION,
    graphiql: read.GRAPHIQL,
    limits: {
      tokens: read.GRAPHQL_MAX_TOKENS,
      depth: read.GRAPHQL_MAX_DEPTH,
      aliases: read.GRAPHQL_MAX_ALIASES,
      pageSize: read.PAGE_SIZE,
      maxPageSize: read.MAX_PAGE_SIZE,
      answerBytes: read.MAX_ANSWER_BYTES,
      cursorSecret: read.CURSOR_SECRET,
    },
    cost: { max: read.MAX_COST, byRole: read.MAX_COST_BY_ROLE ?? new Map(), isReported: read.REPORT_COST },
    planCacheSize: read.PLAN_CACHE_SIZE,
    explain: { isOpen: isOnesOwn(read), adminRole: read.ADMIN_ROLE },
    ...(read.PERSISTED_OPERATIONS && {
      persisted: { file: resolve(root, read.PERSISTED_OPERATIONS), only: read.PERSISTED_ONLY },
    }),
  };
}

/** The development server with its embedded database, which nobody but this machine reaches. */
const isOnesOwn = ({ NODE_ENV, DATABASE_URL, HOST }: Environment): boolean =>
  NODE_ENV !== 'production' && !DATABASE_URL && /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(HOST);

function streamConfig(read: Environment): StreamConfig {
  return {
    origins: read.CORS_ORIGINS ?? [],
    trustProxy: read.TRUST_PROXY,
    maxMessageBytes: read.MAX_BODY_BYTES,
    connectionsPerAddress: read.MAX_CONNECTIONS_PER_ADDRESS,
    connectionsPerUser: read.MAX_CONNECTIONS_PER_USER,
    operationsPerConnection: read.MAX_OPERATIONS_PER_CONNECTION,
    messagesPerSecond: read.MAX_MESSAGES_PER_SECOND,
    initTimeout: 3000,
  };
}
