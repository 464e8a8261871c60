import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisEndpoint } from '../../config/redis-url.ts';
import { connectRedis, type RedisAccess, type RedisClient } from './redis-client.ts';

/** One connection, which publishes, listens and pings. It does not heal: when it breaks, another takes its place. */
export interface RedisLink {
  client: RedisClient;
  /** Sends, or returns false where more waits to be sent than may. */
  publish(channel: string, message: string): boolean;
  /** Resolves when the server has taken it; what it refuses breaks the link. */
  subscribe(channels: string[]): Promise<void>;
  unsubscribe(channel: string): void;
  /** Resolves with the answer, rejects after a second without. */
  ping(): Promise<void>;
  /** Resolves with the reason when the link carries nothing any more. */
  broken: Promise<Error>;
  break(reason: Error): void;
}

/** Bytes that may wait for the server, and what each message counts besides its own. */
const maxWaiting = 8_000_000;
const overhead = 500;
/** A frozen server is noticed after four beats at the latest. */
const beat = 350;

/** Connects; `onMessage` hears what comes on any channel that is subscribed to. */
export async function openRedisLink(
  endpoint: RedisEndpoint,
  access: RedisAccess,
  onMessage: (message: string, channel: string) => void,
): Promise<RedisLink> {
  let fail!: (reason: Error) => void;
  const broken = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  const client = await connectRedis(endpoint, access, fail);

  let silentBeats = 0;
  const heard = (message: string, channel: string) => {
    if (silentBeats > 1) silentBeats = 1; // the answer stands behind a heap of messages
    onMessage(message, channel);
  };
  // Beats are counted, not milliseconds: after a long pause of this process what has arrived meanwhile is read first.
  const heart = setInterval(() => {
    silentBeats += 1;
    if (silentBeats > 3) fail(new Error('Redis does not answer'));
    else if (silentBeats === 1) client.ping().then(() => (silentBeats = 0), fail);
  }, beat);
  void broken.then(() => {
    clearInterval(heart);
    client.destroy();
  });

  let waiting = 0;
  return {
    client,
    publish(channel, message) {
      const size = Buffer.byteLength(message) + overhead;
      if (waiting + size > maxWaiting) return false;
      waiting += size;
      const settle = () => {
        waiting -= size;
      };
      client.sendCommand(['PUBLISH', channel, message]).then(settle, settle);
      return true;
    },
    subscribe(channels) {
      const taken = client.subscribe(channels, heard);
      taken.catch(fail);
      return taken;
    },
    unsubscribe: (channel) => void client.unsubscribe(channel, heard).catch(fail),
    async ping() {
      const late = sleep(1000, undefined, { ref: false }).then(() => {
        throw new Error('Redis does not answer');
      });
      await Promise.race([client.ping(), late]);
    },
    broken,
    break: fail,
  };
}
