import { type Bus, isCarriable } from './bus.ts';
import { type BusLog, createChannels } from './listeners.ts';

/** Makes the bus of an installation that is one process: nothing is missed, so no gap is ever told. */
export function createInProcessBus(log?: BusLog): Bus {
  const channels = createChannels(log);
  let waiting: [channel: string, message: string][] = [];
  let isClosed = false;

  // What listeners publish waits for the next turn, so that they cannot keep sockets and timers from theirs.
  const deliver = () => {
    const messages = waiting;
    waiting = [];
    for (const [channel, message] of messages) channels.deliver(channel, message);
  };

  return {
    publish(channel, message) {
      if (isClosed) return;
      if (!isCarriable(message)) return log?.debug({ channel, length: message.length }, 'a message was dropped');
      if (waiting.push([channel, message]) === 1) setImmediate(deliver);
    },
    subscribe: channels.subscribe,
    onGap: () => () => {},
    async ping() {
      if (isClosed) throw new Error('the bus is closed');
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      waiting = [];
    },
  };
}
