import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import type { World } from './world.ts';

/** What a peer is started with, as JSON in its first argument. */
export interface PeerServerOptions {
  world: World['name'];
  url: string;
  jwks: JSONWebKeySet;
  issuer: string;
  poolSize: number;
}

/** Who asks a peer. */
export interface PeerViewer {
  id: string;
  isAdmin: boolean;
}

/** The options this process was started with. */
export const readPeerOptions = (): PeerServerOptions => JSON.parse(process.argv[2]!) as PeerServerOptions;

/** Verifies tokens, and remembers for a minute those that it has verified. */
export function createAuthenticator({ jwks, issuer }: PeerServerOptions): (header: string) => Promise<PeerViewer> {
  const keys = createLocalJWKSet(jwks);
  const verified = new Map<string, PeerViewer & { until: number }>();
  return async (header) => {
    const known = verified.get(header);
    if (known && Date.now() < known.until) return known;
    const { payload } = await jwtVerify(header.slice('Bearer '.length), keys, { issuer });
    const viewer = { id: payload.sub!, isAdmin: payload.role === 'admin', until: Date.now() + 60_000 };
    if (verified.size >= 1000) verified.clear();
    verified.set(header, viewer);
    return viewer;
  };
}

/** Says where a listening server is; it goes when it is told to. */
export function announce(server: Server, path = ''): void {
  process.once('SIGTERM', () => process.exit(0));
  process.stdout.write(`up at http://127.0.0.1:${(server.address() as AddressInfo).port}${path}\n`);
}
