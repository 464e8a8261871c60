import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { type Nursery, openNursery } from './children.ts';
import { type Issuer, openIssuer } from './identity.ts';
import { type MillraceNode, makeNode } from './nodes.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { type Redis, startRedis } from './redis.ts';

/** What the nodes of a run stand on; taken down with it. */
export interface Ground extends AsyncDisposable {
  nursery: Nursery;
  issuer: Issuer;
  postgres: Postgres;
  redis: Redis;
  /** Describes a node on all of it that is not started yet. */
  makeNode(name: string): Promise<MillraceNode>;
}

/** Starts a PostgreSQL and a Redis, and an issuer of tokens. */
export async function openGround(): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(temporaryDirectory('millrace-faults'));
  const nursery = stack.use(openNursery(directory.path));
  const issuer = stack.use(await openIssuer());
  const [postgres, redis] = await Promise.all([
    startPostgres(nursery, directory.path),
    startRedis(nursery, directory.path),
  ]);
  const settings = { REDIS_URL: redis.url, JWKS_URL: issuer.jwksUrl, MILLRACE_DIR: directory.path };
  const owned = stack.move();
  return {
    ...{ nursery, issuer, postgres, redis },
    makeNode: (name) => makeNode(nursery, postgres, name, settings),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
