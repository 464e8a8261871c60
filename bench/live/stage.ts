import path from 'node:path';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import { createClient } from 'redis';
import { openTokens } from '../../src/platform/tokens.ts';
import { startDatabase } from '../database.ts';
import { furnishTracker } from '../tracker/world.ts';
import { type Board, copyBoard, furnishBoard, memberCount, memberId } from './board.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { startRedisServer } from './redis-server.ts';
import { exampleChange, type Handed } from './topic.ts';

/** What all peers of a run stand on, and how each is started. */
export interface Stage extends AsyncDisposable {
  /** The process that all of PostgreSQL's descend from. */
  postmaster: number;
  millrace(): Promise<{ peer: PeerProcess; board: Board }>;
  bare(): Promise<PeerProcess>;
  yoga(): Promise<PeerProcess>;
  /** The measured node; another one, at which events arise, comes and goes with it. */
  socketIo(): Promise<PeerProcess>;
  /** A database that nothing is captured in. */
  uncaptured(): Promise<Board>;
  /** Hands a peer an event: the bare one a ready text of this size, the others the change to make theirs of. */
  publish(peer: Handed, size: number): Promise<void>;
  /** A token for each of the bench's members. */
  tokens: readonly string[];
}

/** Starts PostgreSQL and Redis, and furnishes a database to copy. */
export async function openStage(root: string, profile: string | undefined): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await startDatabase((url) => furnishTracker(url, 2000), true));
  await furnishBoard(database.url);
  const redis = stack.use(await startRedisServer(database.directory));
  const publisher = createClient({ url: redis.url });
  await publisher.connect();
  stack.defer(() => publisher.close());
  const directory = path.join(database.directory, 'millrace');
  const issuer = await openTokens({
    source: { kind: 'local', directory: path.join(directory, 'keys') },
    adminRole: 'admin',
  });
  const tokens = await Promise.all(
    Array.from({ length: memberCount }, (_, n) => issuer.mint!({ sub: memberId(n), expiresIn: 24 * 3600 })),
  );
  let copies = 0;
  const copy = () => {
    copies += 1;
    return copyBoard(database.url, `board_${copies}`);
  };
  const byHand = (file: string, ...more: string[]) =>
    startPeer({ root, run: [path.join(root, 'bench/live', file), redis.url, ...more] });
  const owned = stack.move();
  return {
    postmaster: database.postmaster,
    tokens,
    async millrace() {
      const board = await copy();
      const env = {
        PORT: '0',
        HOST: '127.0.0.1',
        DATABASE_URL: board.url,
        DATABASE_POOL_SIZE: '4',
        REDIS_URL: redis.url,
        REDIS_PREFIX: `${new URL(board.url).pathname.slice(1)}:`,
        MILLRACE_DIR: directory,
        MAX_CONNECTIONS_PER_ADDRESS: '100000',
        MAX_CONNECTIONS_PER_USER: '100000',
        LOG_LEVEL: 'warn',
      };
      const peer = await startPeer({ root, run: [path.join(root, 'src/main.ts')], env, profile });
      return { peer: { ...peer, url: new URL(peer.url).origin }, board };
    },
    bare: () => byHand('bare.ts'),
    yoga: () => byHand('stock-yoga.ts'),
    async socketIo() {
      const speaker = await byHand('socket-io.ts', 'speaks');
      const peer = await byHand('socket-io.ts', 'serves');
      return {
        ...peer,
        async [Symbol.asyncDispose]() {
          await Promise.all([peer[Symbol.asyncDispose](), speaker[Symbol.asyncDispose]()]);
        },
      };
    },
    uncaptured: copy,
    async publish(peer, size) {
      await publisher.publish(peer, peer === 'bare' ? readyText(size) : JSON.stringify(exampleChange));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function readyText(size: number): string {
  const text = JSON.stringify({ data: { taskChanges: exampleChange } });
  return text.length >= size ? text.slice(0, size) : text + ' '.repeat(size - text.length);
}
