import { startPrismaDevServer } from './index.js';

/** The servers of `prisma dev`: there are none. */
export const ServerState = {
  scan: async () => [],
  fromServerDump: startPrismaDevServer,
  createExclusively: startPrismaDevServer,
};
