import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { HttpConfig } from '../config/config.ts';
import { StartupError } from '../errors.ts';

/** Begins to listen; returns what ends it. @throws StartupError when the address cannot be had */
export async function listen(server: Server, { host, port }: HttpConfig): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListen(error, host, port)));
    server.listen(port, host, resolve);
  });
  return () => close(server, sockets);
}

function explainListen(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const explain: Record<string, [message: string, remedy: string]> = {
    EADDRINUSE: [
      `port ${port} is in use by another program`,
      `stop it, or choose another port: PORT=${port + 1} npm start`,
    ],
    EACCES: [`port ${port} is for privileged users only`, 'choose a port above 1023: PORT=4000 npm start'],
    EADDRNOTAVAIL: [`this machine has no address ${host}`, 'correct HOST'],
    ENOTFOUND: [`there is no host ${host}`, 'correct HOST'],
  };
  const known = explain[error.code ?? ''];
  return known ? new StartupError(...known, { cause: error }) : error;
}

/** Waits for the requests under way; connections that are still there after 8 s are cut. */
function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), 8000);
    // A connection whose last request ends while the server closes would wait for another one.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    // @NOTE to Node a connection is idle only behind its first request; clients and balancers keep some that they never use.
    const cutUnused = setTimeout(() => {
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, 500);
    server.close(() => {
      clearTimeout(cut);
      clearTimeout(cutUnused);
      clearInterval(sweep);
      resolve();
    });
  });
}

/** Where a listening server is reached from this machine. */
export function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
