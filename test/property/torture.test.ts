import { proveReads } from './prove.ts';
import { torture } from './worlds.ts';

proveReads(torture(), 0.25, /Boolean|has:/);
