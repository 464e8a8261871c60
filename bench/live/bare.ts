// The yardstick: whoever is connected is sent, as it is, every text that Redis carries. Nothing can do less.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from 'redis';
import { WebSocketServer } from 'ws';
import type { Handed } from './topic.ts';

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
const redis = createClient({ url: process.argv[2]! });
redis.on('error', () => process.exit(1));
await redis.connect();
await redis.subscribe('bare' satisfies Handed, (text) => {
  for (const socket of sockets.clients) socket.send(text);
});
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`up at http://127.0.0.1:${(http.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
