import { proveReads } from './prove.ts';
import { example } from './worlds.ts';

proveReads(example(), 0.25, /BigInt|Bytes|list of values|has:/);
