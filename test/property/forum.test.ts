import { proveReads } from './prove.ts';
import { forum } from './worlds.ts';

proveReads(forum(), 0.25, /Decimal|has:|list of values/);
