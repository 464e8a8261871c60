import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A road to a server that can be cut. */
export interface TcpProxy extends AsyncDisposable {
  url: string;
  /** Connections that are open. */
  readonly open: number;
  /** Connections that there have been. */
  readonly count: number;
  /** Cuts every connection, as a lost network does: neither side hears a goodbye of the other. */
  cut(): void;
  /** Leads connections to another server from now on. */
  lead(url: string): void;
}

/** Opens a TCP proxy to the server at `url`. */
export async function openProxy(url: string): Promise<TcpProxy> {
  let target = new URL(url);
  let count = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    count += 1;
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return sockets.size / 2;
    },
    get count() {
      return count;
    },
    cut,
    lead(url) {
      target = new URL(url);
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Returns what cuts the proxy's connections after every so many that were told, and counts the cuts; called as often as one likes. */
export function cutEvery(proxy: TcpProxy, every: number, told: () => number): { (): void; cuts: number } {
  let before = told();
  const cutWhenDue = () => {
    if (told() < before + every || proxy.open === 0) return;
    before = told();
    cutWhenDue.cuts += 1;
    proxy.cut();
  };
  cutWhenDue.cuts = 0;
  return cutWhenDue;
}
