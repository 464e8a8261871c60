import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { PrismaPg } from '@prisma/adapter-pg';
import { composeSchema } from '../../src/data/model/schema-files.ts';

type PrismaMethod =
  | 'findMany'
  | 'count'
  | 'aggregate'
  | 'groupBy'
  | 'createManyAndReturn'
  | 'update'
  | 'updateMany'
  | 'deleteMany';

/** As much of Prisma Client as an oracle of reads needs. */
export interface PrismaClient {
  /** One model's methods, by its name with a small first letter. */
  model(name: string): Record<PrismaMethod, (args: object) => Promise<unknown>>;
  /** `Prisma.AnyNull`, `Prisma.Decimal` … */
  namespace: Record<string, unknown>;
  disconnect(): Promise<void>;
}

/** Generates Prisma's own client for a schema, below test/generated; returns what connects it to a database. */
export async function generatePrismaClient(name: string, schema: string): Promise<(url: string) => PrismaClient> {
  const directory = path.resolve('test/generated', `prisma-${name}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const settings = ['runtime = "nodejs"', 'moduleFormat = "esm"', 'generatedFileExtension = "ts"'];
  const text = composeSchema([{ path: 'prisma/app.prisma', content: schema }])
    .map((file) => file.content)
    .join('\n')
    .replace(
      'provider = "prisma-client"',
      ['provider = "prisma-client"', 'output = "./client"', ...settings, 'importFileExtension = "ts"'].join('\n  '),
    );
  const file = path.join(directory, 'schema.prisma');
  writeFileSync(file, text);
  const prisma = path.resolve('node_modules/prisma/build/index.js');
  await promisify(execFile)(process.execPath, [prisma, 'generate', '--schema', file, '--no-hints']);
  const generated = await import(pathToFileURL(path.join(directory, 'client/client.ts')).href);
  return (url) => {
    const client = new generated.PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
    return {
      model: (model) => client[model.charAt(0).toLowerCase() + model.slice(1)],
      namespace: generated.Prisma,
      disconnect: () => client.$disconnect(),
    };
  };
}
