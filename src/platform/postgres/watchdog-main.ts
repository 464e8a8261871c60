// Run by the watchdog's shell once the holder of a lease has ended without giving it back.
import { clusterHomeAt } from './home.ts';
import { releaseLease } from './lease.ts';

const [root, lease] = process.argv.slice(2);
if (root && lease) await releaseLease(clusterHomeAt(root), lease);
