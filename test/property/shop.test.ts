import { proveReads } from './prove.ts';
import { shop } from './worlds.ts';

proveReads(shop(), 0.25);
