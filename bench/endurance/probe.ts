// Loaded into the server before itself: told to, it collects its garbage and says what is left.
import { LRUCache } from 'lru-cache';

/** What a server keeps when its garbage is collected. */
export interface Kept {
  /** Bytes in V8's heap and beside it. */
  bytes: number;
  /** Entries of each LRU cache that was used, the first used first, and how many it may hold. */
  caches: [size: number, max: number][];
}

const caches: WeakRef<LRUCache<object, object>>[] = [];
const met = new WeakSet<object>();
const { set } = LRUCache.prototype;

// @NOTE the caches are private to what owns them, and the server is to be measured as it is.
LRUCache.prototype.set = function (...args) {
  if (!met.has(this)) {
    met.add(this);
    caches.push(new WeakRef(this));
  }
  return set.apply(this, args);
};

process.on('message', (message) => {
  if (message !== 'look') return;
  for (let n = 0; n < 3; n += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage(); // external holds the array buffers
  const used = caches.flatMap((cache) => cache.deref() ?? []);
  process.send!({ bytes: heapUsed + external, caches: used.map(({ size, max }) => [size, max]) } satisfies Kept);
});
process.channel?.unref();
