import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAssetStore } from '../../../src/transport/graphiql/assets.ts';
import { chooseEncoding } from '../../../src/transport/graphiql/send.ts';

describe('the asset store', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'graphiql assets '));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('gives the same bytes in every encoding, and keeps the compressed ones in its directory', async () => {
    const store = createAssetStore(directory);
    const assets = await store.list();
    const worker = assets.get('worker-editor.js')!;
    const plain = await store.read(worker, 'identity');
    expect(brotliDecompressSync(await store.read(worker, 'br')).equals(plain)).toBe(true);
    expect(gunzipSync(await store.read(worker, 'gzip')).equals(plain)).toBe(true);
    expect(await readdir(join(directory, 'graphiql'))).toEqual(
      expect.arrayContaining(['manifest.json', `${worker.file}.br`, `${worker.file}.gz`]),
    );
  });

  it('compresses a file once, also when many ask at the same time', async () => {
    const store = createAssetStore();
    const script = (await store.list()).get('page.js')!;
    const [first, second] = await Promise.all([store.read(script, 'br'), store.read(script, 'br')]);
    expect(second).toBe(first);
    expect(await store.read(script, 'br')).toBe(first);
  });

  it('takes what an earlier start compressed', async () => {
    const script = (await createAssetStore(directory).list()).get('page.js')!;
    const kept = join(directory, 'graphiql', `${script.file}.br`);
    await writeFile(kept, 'kept from before');
    const store = createAssetStore(directory);
    expect(String(await store.read((await store.list()).get('page.js')!, 'br'))).toBe('kept from before');
  });

  it('forgets the files of another version', async () => {
    const folder = join(directory, 'graphiql');
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as object;
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, version: '0.0.0' }));
    await createAssetStore(directory).list();
    expect(await readdir(folder)).toEqual(['manifest.json']);
  });

  it('works from memory when the manifest is damaged and the directory is none', async () => {
    const file = join(directory, 'a file');
    await writeFile(file, '');
    await chmod(file, 0o400);
    const store = createAssetStore(file);
    const sheet = (await store.list()).get('page.css')!;
    expect(gunzipSync(await store.read(sheet, 'gzip')).equals(await store.read(sheet, 'identity'))).toBe(true);
  });
});

describe('the content coding', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['br;q=0.2, gzip;q=0.8', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['identity, br;q=0.5', 'identity'],
    ['deflate', 'identity'],
    ['', 'identity'],
    [undefined, 'identity'],
  ])('for "%s" is %s', (header, expected) => {
    expect(chooseEncoding(header)).toBe(expected);
  });
});
