import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import { bundleParts, bundleVersion, readBundle, socketClientPath } from './bundle.ts';

/** One file of the page: its name on the wire carries the hash of its content, so it may be kept for ever. */
export interface Asset {
  /** As in `graphiql.1f2e3d4c5b6a.js`. */
  file: string;
  /** The content's hash, as in the file's name. */
  hash: string;
  contentType: string;
}

/** A content coding this server has, in the order it likes them. */
export type Encoding = 'br' | 'gzip' | 'identity';

/** The page's files, unpacked at the first use and compressed once per encoding; also across starts when it has a directory. */
export interface AssetStore {
  /** The assets by their plain names, such as `graphiql.js`. */
  list(): Promise<ReadonlyMap<string, Asset>>;
  /** The bytes of one asset in one encoding. */
  read(asset: Asset, encoding: Encoding): Promise<Buffer>;
}

const contentTypes = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
} as const;
const clientFiles = ['page.js', 'fetcher.js', 'page.css', 'favicon.svg'] as const;
const suffixOf = { br: '.br', gzip: '.gz', identity: '' } as const;
const compressWith = {
  // Quality 11 would take thirty times as long for a tenth fewer bytes.
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, {
      params: { [zlib.BROTLI_PARAM_QUALITY]: 7, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 7 }),
};

/**
 * Makes the store; reads and writes nothing until it is asked. The directory (a folder `graphiql` in it, whose content is the
 * store's own) only saves work: when it cannot be read or written, everything is served from memory.
 */
export function createAssetStore(cacheDirectory?: string): AssetStore {
  const directory = cacheDirectory && join(cacheDirectory, 'graphiql');
  const packed = new Map<string, Promise<Buffer>>();
  let listed: Promise<ReadonlyMap<string, Asset>> | undefined;
  let sources: Promise<Map<string, Buffer>> | undefined;

  // The unpacked bytes (9 MB) are let go as soon as nobody is busy with them.
  let readers = 0;
  async function withSources<T>(use: (sources: Map<string, Buffer>) => Promise<T>): Promise<T> {
    readers += 1;
    sources ??= readSources();
    try {
      return await use(await sources);
    } finally {
      readers -= 1;
      if (readers === 0) sources = undefined;
    }
  }

  async function list(): Promise<ReadonlyMap<string, Asset>> {
    const own = await readClient();
    const known = await readCache('manifest.json').then(parseManifest);
    const hashes = known ?? (await withSources(async (bytes) => hashAll(bytes)));
    if (!known) {
      // Another version's files would stay for ever.
      if (directory) await rm(directory, { recursive: true, force: true }).catch(() => undefined);
      await writeCache('manifest.json', JSON.stringify({ version: bundleVersion(), hashes }));
    }
    return describe({ ...hashes, ...hashAll(own) });
  }

  async function pack(asset: Asset, encoding: 'br' | 'gzip'): Promise<Buffer> {
    const file = asset.file + suffixOf[encoding];
    const cached = await readCache(file);
    if (cached) return cached;
    const bytes = await compressWith[encoding](await readIdentity(asset));
    await writeCache(file, bytes);
    return bytes;
  }

  function readIdentity(asset: Asset): Promise<Buffer> {
    return withSources(async (bytes) => {
      const found = bytes.get(asset.file.replace(`.${asset.hash}`, ''));
      if (!found) throw new Error(`no such asset: ${asset.file}`);
      return found;
    });
  }

  async function readCache(file: string): Promise<Buffer | undefined> {
    if (!directory) return undefined;
    return readFile(join(directory, file)).catch(() => undefined);
  }

  async function writeCache(file: string, bytes: Buffer | string): Promise<void> {
    if (!directory) return;
    const path = join(directory, file);
    const draft = `${path}.${process.pid}.draft`;
    try {
      await mkdir(directory, { recursive: true });
      // Flushed before it gets its name: a name that survives a power cut must stand for all of its bytes.
      await writeFile(draft, bytes, { flush: true });
      await rename(draft, path);
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }

  return {
    list() {
      listed ??= list().catch((error) => {
        listed = undefined;
        throw error;
      });
      return listed;
    },
    read(asset, encoding) {
      if (encoding === 'identity') return readIdentity(asset);
      const key = asset.file + suffixOf[encoding];
      const known = packed.get(key);
      if (known) return known;
      const made = pack(asset, encoding);
      packed.set(key, made);
      made.catch(() => packed.delete(key));
      return made;
    },
  };
}

async function readSources(): Promise<Map<string, Buffer>> {
  const [bundle, own] = await Promise.all([readBundle(), readClient()]);
  for (const { name, exportName, extension } of bundleParts) own.set(`${name}.${extension}`, bundle.get(exportName)!);
  return own;
}

async function readClient(): Promise<Map<string, Buffer>> {
  const own = clientFiles.map((file) => [file, new URL(`./client/${file}`, import.meta.url)] as const);
  const read = [...own, ['graphql-ws.js', socketClientPath()] as const].map(async ([file, path]) => {
    return [file, await readFile(path)] as const;
  });
  return new Map(await Promise.all(read));
}

function hashAll(files: Map<string, Buffer>): Record<string, string> {
  const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return Object.fromEntries([...files].map(([name, bytes]) => [name, hashOf(bytes)]));
}

function describe(hashes: Record<string, string>): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const [name, hash] of Object.entries(hashes)) {
    const dot = name.lastIndexOf('.');
    const contentType = contentTypes[name.slice(dot + 1) as keyof typeof contentTypes];
    assets.set(name, { file: `${name.slice(0, dot)}.${hash}${name.slice(dot)}`, hash, contentType });
  }
  return assets;
}

function parseManifest(bytes: Buffer | undefined): Record<string, string> | undefined {
  if (!bytes) return undefined;
  try {
    const manifest = JSON.parse(bytes.toString()) as { version: unknown; hashes: Record<string, unknown> };
    const complete = bundleParts.every(({ name, extension }) =>
      /^[0-9a-f]{16}$/.test(String(manifest.hashes[`${name}.${extension}`])),
    );
    return manifest.version === bundleVersion() && complete ? (manifest.hashes as Record<string, string>) : undefined;
  } catch {
    return undefined;
  }
}
