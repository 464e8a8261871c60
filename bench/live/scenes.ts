import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { Board } from './board.ts';
import type { CrowdOptions } from './crowd.ts';
import type { Tongue } from './dial.ts';
import { openScene, type Scene } from './fan-out.ts';
import type { PeerProcess } from './peer-process.ts';
import type { Stage } from './stage.ts';
import type { Handed } from './topic.ts';

/** The peers, the yardstick first. `own rules` are members whose rule has another value for each. */
export const peerNames = ['bare', 'millrace', 'millrace own rules', 'stock yoga', 'socket.io'] as const;

/** Names a peer; Millrace has a second door, which only its memory is measured at. */
export type PeerName = (typeof peerNames)[number] | 'millrace sse';

/** How the subscribers of a peer speak, and as whom. */
export function crowdOf({ tokens }: Stage, name: PeerName, count: number): Omit<CrowdOptions, 'url'> {
  const tongues: Record<PeerName, Tongue> = {
    bare: 'bare',
    millrace: 'graphql',
    'millrace own rules': 'graphql',
    'millrace sse': 'sse',
    'stock yoga': 'graphql',
    'socket.io': 'socket-io',
  };
  const own = name === 'millrace own rules' ? tokens : tokens.slice(0, 1);
  return { tongue: tongues[name], count, tokens: own };
}

/** Starts a peer alone. */
export async function startPeerOf(stage: Stage, name: PeerName): Promise<PeerProcess> {
  switch (name) {
    case 'bare':
      return stage.bare();
    case 'stock yoga':
      return stage.yoga();
    case 'socket.io':
      return stage.socketIo();
    default: {
      const { peer, board } = await stage.millrace();
      await board[Symbol.asyncDispose]();
      return peer;
    }
  }
}

/** Starts peers with so many subscribers each. The first Millrace tells how long a ready text has to be. */
export async function openScenes(
  stage: Stage,
  names: readonly PeerName[],
  count: number,
): Promise<AsyncDisposable & { all: Scene[]; boards: Board[] }> {
  await using stack = new AsyncDisposableStack();
  const boards: Board[] = [];
  const scenes = new Map<PeerName, Scene>();
  let size = 0;
  const handed: Partial<Record<PeerName, Handed>> = {
    bare: 'bare',
    'stock yoga': 'stock-yoga',
    'socket.io': 'socket-io',
  };
  const open = async (name: PeerName): Promise<Scene> => {
    const by = handed[name];
    if (by) {
      const peer = await startPeerOf(stage, name);
      const crowd = { ...crowdOf(stage, name, count), url: peer.url };
      return openScene(name, peer, crowd, (events) =>
        Promise.all(Array.from({ length: events }, () => stage.publish(by, size))),
      );
    }
    const { peer, board } = await stage.millrace();
    boards.push(board);
    let number = 1; // another title than the row has, from the first change on
    const fire = (events: number) => (events === 1 ? board.change(number++) : board.burst(events));
    return openScene(name, peer, { ...crowdOf(stage, name, count), url: peer.url }, fire, [board]);
  };
  // @NOTE Millrace first, for the size of its frames.
  for (const name of names.toSorted((a, b) => Number(b.startsWith('millrace')) - Number(a.startsWith('millrace')))) {
    const scene = stack.use(await open(name));
    scenes.set(name, scene);
    if (size > 0 || !name.startsWith('millrace')) continue;
    await scene.fire(1);
    await scene.crowd.hear(1);
    size = Math.round(scene.crowd.size);
  }
  const owned = stack.move();
  return { all: names.map((name) => scenes.get(name)!), boards, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
