// Socket.IO with its Redis adapter, as its documentation shows it. With `speaks` it is the node at which events arise: it has no
// clients, and its broadcasts reach the other one by the adapter.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import type { Handed } from './topic.ts';

const [url, role] = process.argv.slice(2);
const publisher = createClient({ url: url! });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) client.on('error', () => process.exit(1));
await Promise.all([publisher.connect(), subscriber.connect()]);
const http = createServer();
const io = new Server(http, { adapter: createAdapter(publisher, subscriber), transports: ['websocket'] });
if (role === 'speaks') {
  const listener = publisher.duplicate();
  listener.on('error', () => process.exit(1));
  await listener.connect();
  await listener.subscribe('socket-io' satisfies Handed, (text) => io.emit('change', JSON.parse(text)));
}
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`up at http://127.0.0.1:${(http.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
