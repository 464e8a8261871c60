import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findViolations } from './support/architecture.ts';

const root = join(import.meta.dirname, '..');

function readTree(directory: string): [string, string][] {
  const names = readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' });
  const paths = names.map((name) => `${directory}/${name.replaceAll('\\', '/')}`);
  return paths
    .filter((path) => path.endsWith('.ts') && !path.startsWith('src/generated/'))
    .map((path) => [path, readFileSync(join(root, path), 'utf8')]);
}

describe('the house', () => {
  it('is built as HOUSE.md says', () => {
    const files = new Map([...readTree('src'), ...readTree('app'), ...readTree('client')]);
    expect(files.size).toBeGreaterThan(20);
    expect(findViolations(files)).toEqual([]);
  });

  it('has at most 15 scripts', () => {
    const { scripts = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts?: object };
    expect(Object.keys(scripts).length).toBeLessThanOrEqual(15);
  });
});

describe('its judge', () => {
  const judge = (path: string, text: string) => findViolations(new Map([[path, text]]));

  it.each([
    ['src/data/a.ts', "import { x } from '../transport/http.ts';", 'data may not import transport'],
    ['src/platform/a.ts', "import type { X } from '../data/model.ts';", 'platform may not import data'],
    ['src/errors.ts', "import { x } from './config/env.ts';", 'errors may not import config'],
    ['src/config/a.ts', "export * as x from '../platform/db.ts';", 'config may not import platform'],
    ['src/log/a.ts', "const x = () => import('../live/query.ts');", 'log may not import live'],
    ['src/data/a.ts', "type X = typeof import('../graphql/schema.ts');", 'data may not import graphql'],
    ['src/transport/a.ts', "import { x } from '../cli/token.ts';", 'transport may not import cli'],
    ['src/graphql/a.ts', "import { x } from '../server.ts';", 'graphql may not import server'],
    ['src/data/a.ts', "import { x } from '../../app/rules.ts';", 'outside of src'],
    ['src/attic/a.ts', "import { x } from '../errors.ts';", 'attic is not a room'],
    ['src/modules/files/service.ts', "import { b } from '../../graphql/builder.ts';", 'modules may not import graphql'],
    ['src/modules/auth/service.ts', "import { x } from '../files/service.ts';", 'auth may not import files'],
    ['src/modules/files/service.ts', "import { x } from '../auth/session.ts';", 'enters auth by session.ts'],
    ['src/modules/chess/service.ts', "import { x } from '../auth/service.ts';", 'no place in the order'],
    ['src/platform/a.ts', 'const x = process.env.HOME;', 'process.env is read in config/env.ts'],
    ['src/platform/a.ts', "const x = process['env'];", 'process.env is read in config/env.ts'],
    ['src/platform/a.ts', 'const { env } = process;', 'process.env is read in config/env.ts'],
    ['app/rules.ts', "import { env as e } from 'node:process';", 'process.env is read in config/env.ts'],
    ['src/data/a.ts', "import pg from 'pg';\nconst f = () => new pg.Pool();", 'a.ts:2 makes a database connection'],
    ['src/platform/a.ts', "import { Client } from 'pg';\nconst f = () => new Client();", 'makes a database connection'],
    ['src/data/a.ts', "import { x } from '../../client/resuming.ts';", 'outside of src'],
    ['client/a.ts', "import type { X } from '../src/errors.ts';", 'the client stands alone'],
    ['client/a.ts', "import { createClient } from 'graphql-ws';", 'the client stands alone'],
    ['client/a.ts', "import { setTimeout } from 'node:timers/promises';", 'the client stands alone'],
    ['client/a.ts', 'export const one = 1;', 'one has no docstring'],
    ['src/data/index.ts', '', 'is a barrel'],
    ['src/data/a.ts', "export * from './b.ts';", 'that is a barrel'],
    ['src/data/utils/a.ts', '', 'names no subject'],
    ['src/data/helpers.ts', '', 'names no subject'],
    ['src/data/a.ts', '/** One. */\nexport default 1;', 'exports a default'],
    ['src/data/a.ts', '/** One. */\nexport default function one() {}', 'exports a default'],
    ['src/data/a.ts', '/** One. */\nconst one = 1;\nexport { one as default };', 'exports a default'],
    ['src/data/a.ts', "import './b.ts';", 'imports for a side effect'],
    ['src/data/a.ts', "import 'dotenv/config';", 'imports for a side effect'],
    ['src/data/a.ts', 'start();', 'does something when it is imported'],
    ['src/data/a.ts', 'await start();', 'does something when it is imported'],
    ['src/data/a.ts', 'let count = 0;', 'state belongs to whoever owns it'],
    ['src/data/a.ts', 'const cache = new Map<string, string>();', 'state belongs to whoever owns it'],
    ['src/data/a.ts', 'const cache = new LRUCache({ max: 5 });', 'state belongs to whoever owns it'],
    ['src/data/a.ts', 'const f = () => console.log(1);', 'console belongs to cli/main.ts'],
    ['src/data/a.ts', '\n'.repeat(400) + '// the end', 'has more than 400 lines'],
    ['src/data/a.ts', 'export const one = 1;', 'a.ts:1 one has no docstring'],
    ['src/data/a.ts', '// One.\nexport function one() {}', 'a.ts:2 one has no docstring'],
    ['src/data/a.ts', 'export interface One {}', 'One has no docstring'],
    ['src/data/a.ts', 'type One = 1;\nexport type { One };', 'One has no docstring'],
    ['src/data/a.ts', '/** @internal */\nexport class One {}', 'One has no docstring'],
  ])('sees in %s that %j is wrong', (path, text, what) => {
    const found = judge(path, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(what);
    expect(found[0]).toMatch(new RegExp(`^${path}:\\d+ `));
  });

  it('sees folders that import each other in a circle', () => {
    const found = findViolations(
      new Map([
        ['src/data/planner/a.ts', "import { b } from '../rules/b.ts';"],
        ['src/data/rules/b.ts', "import { c } from '../planner/c.ts';"],
        ['src/data/planner/c.ts', "import { a } from './a.ts';\nimport { d } from './d.ts';"],
        ['src/data/planner/d.ts', "import { c } from './c.ts';\nimport type { b } from '../rules/b.ts';"],
      ]),
    );
    const circle = 'src/data/planner/a.ts → src/data/rules/b.ts → src/data/planner/c.ts → src/data/planner/a.ts';
    expect(found).toEqual([`src/data/planner/a.ts:1 is in a circle: ${circle}`]);
  });

  it.each([
    ['src/server.ts', "import { a } from './cli/a.ts';\nimport { b } from './platform/db.ts';"],
    ['src/cli/seed.ts', "import { a } from '../server.ts';\nimport { b } from '../data/a.ts';"],
    ['src/modules/auth/routes.ts', "import type { Route } from '../../transport/routes.ts';"],
    ['src/modules/files/schema.ts', "import type { Builder } from '../../graphql/builder.ts';"],
    ['src/modules/files/service.ts', "import { a } from '../auth/rules.ts';\nimport { b } from './upload.ts';"],
    ['src/transport/http.ts', "import { a } from '../graphql/schema.ts';\nimport { readFileSync } from 'node:fs';"],
    ['src/config/env.ts', 'const f = () => process.env;'],
    ['src/platform/db.ts', "import pg from 'pg';\nconst f = () => new pg.Pool();"],
    ['src/data/a.ts', "import pg from 'pg';\nconst f = (e: Error) => e instanceof pg.DatabaseError;"],
    ['src/data/a.ts', "const words = new Set(['a']);\nconst env = { process: 1 };"],
    [
      'src/data/a.ts',
      '/** Twice. */\nexport function f(a: 1): 1;\nexport function f(a: 2): 2;\nexport function f(a: never) { return a; }',
    ],
    [
      'client/a.ts',
      "import type { Sink } from 'graphql-ws';\nimport { b } from './b.ts';\nimport { print } from 'graphql';",
    ],
    ['client/a.ts', 'const f = () => console.warn(1);'],
    ['src/main.ts', "import { run } from './server.ts';\nawait run();"],
    [
      'app/seed.ts',
      "import { defineSeed } from '../src/cli/seed/define-seed.ts';\nexport default defineSeed(() => {});",
    ],
  ])('lets %s say %j', (path, text) => {
    expect(judge(path, text)).toEqual([]);
  });
});
