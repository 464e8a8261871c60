import { join, resolve } from 'node:path';
import { type Environment, processEnvironment, type RawEnvironment, readEnvironment, withDotEnv } from './env.ts';

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
  tokens: TokensConfig;
  graphql: GraphqlConfig;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** How the server meets its clients. */
export interface HttpConfig {
  host: string;
  /** 0 takes any free port. */
  port: number;
  maxBodyBytes: number;
  /** Origins of other sites' pages that may call the API; `*` is any. */
  corsOrigins: string[];
  trustProxy: boolean;
}

/** An embedded PostgreSQL that keeps its data in `<directory>/postgres`, or one that runs elsewhere. */
export type DatabaseConfig = { kind: 'embedded'; directory: string } | { kind: 'external'; url: string };

/** How many connections one process opens, and how long a statement may take, in milliseconds. */
export interface PoolConfig {
  size: number;
  statementTimeout: number;
}

/** Who signs the tokens (keys of our own in `directory`, or the ones published at `url`) and what they must say. */
export interface TokensConfig {
  source: { kind: 'local'; directory: string } | { kind: 'jwks'; url: string };
  issuer?: string;
  audience?: string;
  /** The role that may do everything. */
  adminRole: string;
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
  planCacheSize: number;
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
      corsOrigins: read.CORS_ORIGINS ?? [],
      trustProxy: read.TRUST_PROXY,
    },
    database: databaseConfig(read, directory),
    pool: { size: read.DATABASE_POOL_SIZE, statementTimeout: read.DATABASE_STATEMENT_TIMEOUT },
    tokens: tokensConfig(read, directory),
    graphql: graphqlConfig(read),
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

function graphqlConfig(read: Environment): GraphqlConfig {
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
    planCacheSize: read.PLAN_CACHE_SIZE,
  };
}
