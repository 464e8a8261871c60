import { createClient } from 'redis';
import type { Audience } from './audience.ts';
import type { Hearing } from './checker.ts';
import { messageOf } from './expected.ts';
import { type Names, Received } from './received.ts';
import type { Truth } from './truth.ts';

/**
 * The same changes, by Redis alone: what writers have committed is published, and clients that connect again whenever they
 * are cut hear what they hear. It has to lose something, or the checker is blind.
 */
export interface Control extends AsyncDisposable {
  readonly hearings: readonly Hearing[];
  /** Breaks the connection of every client. */
  cutAll(): void;
}

const channel = 'faults:control';

/** Opens a publisher and a client for each of these audiences. */
export async function openControl(
  url: string,
  truth: Truth,
  audiences: readonly Audience[],
  names: Names,
): Promise<Control> {
  const open = async () => {
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { reconnectStrategy: 50, connectTimeout: 1000 },
    });
    client.on('error', () => {}); // it connects again by itself
    await client.connect();
    return client;
  };
  const publisher = await open();
  truth.onCommit((versions) => {
    const places = versions.map(({ id, version }) => [id, version]);
    publisher.publish(channel, JSON.stringify(places)).catch(() => {});
  });
  const clients = await Promise.all(
    audiences.map(async (audience) => {
      const received = new Received(names);
      const hear = (text: string) => {
        for (const [id, number] of JSON.parse(text) as [string, number][]) {
          const versions = truth.tasks.get(id)!;
          const message = messageOf(versions[number - 2], versions[number - 1]!, audience);
          if (message) received.add(id, message, performance.now());
        }
      };
      const connect = async () => {
        const client = await open();
        await client.subscribe(channel, hear);
        return client;
      };
      let client = await connect();
      const cut = () => {
        client.destroy();
        setTimeout(
          () =>
            void connect().then(
              (made) => (client = made),
              () => {},
            ),
          50,
        );
      };
      return { hearing: { name: `control ${audience.name}`, audience, received }, cut, close: () => client.destroy() };
    }),
  );
  return {
    hearings: clients.map(({ hearing }) => hearing),
    cutAll() {
      for (const { cut } of clients) cut();
    },
    async [Symbol.asyncDispose]() {
      publisher.destroy();
      for (const { close } of clients) close();
    },
  };
}
