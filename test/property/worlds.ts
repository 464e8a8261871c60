import { readFileSync } from 'node:fs';
import exampleRules from '../../app/rules.ts';
import type { RuleSet } from '../../src/data/rules/rule-set.ts';
import type { Viewer } from '../../src/viewer.ts';
import { uuids } from './random-rows.ts';
import type { WorldPlan } from './world.ts';

/** Rules that stand as they are; `read: true` for every other model. */
const openBut = (models: readonly string[], rules: RuleSet): RuleSet => ({
  ...Object.fromEntries(models.map((name) => [name, { read: true }])),
  ...rules,
});

const modelsOf = (schema: string): string[] => [...schema.matchAll(/^model (\w+)/gm)].map(([, name]) => name!);

const everybody = [undefined, { sub: uuids[0] }, { sub: uuids[1], role: 'clerk' }, { role: 'admin' }];

/** The schema that tries everything. */
export function torture(): WorldPlan {
  // Lists of these come back to Prisma Client as one text, which it cannot read.
  const unread = /^ +(?:citexts|xmls|bits|inets|oids|moneys|times) .*\n/gm;
  const schema = readFileSync('test/schemas/torture/schema.prisma', 'utf8').replaceAll(unread, '');
  const left = new Set(['Mutation', 'Subscription', 'Settings', 'Counter', 'Keyless']);
  const models = modelsOf(schema).filter((name) => !left.has(name));
  const isClerk = (viewer: Viewer) => viewer.role === 'clerk';
  return {
    name: 'torture',
    schema,
    views: readFileSync('test/schemas/torture/views.sql', 'utf8'),
    models,
    viewers: everybody,
    // Relations, negation and nulls; rows and values; keys that are hidden, and that lead to what is.
    rules: openBut(models, {
      users: {
        read: { OR: [{ type: null }, { NOT: { x: { lt: 0 } } }, { staff: { some: {} } }] },
        fields: {
          full_name: { read: (viewer: Viewer) => ({ OR: [{ id: viewer.id }, { x: { gte: 1 } }] }) },
          score: { read: { node: { is: null } } },
          boss_id: { read: (viewer: Viewer) => isClerk(viewer) || { r: { not: 0 } } },
        },
      },
      News: {
        read: (viewer: Viewer) => isClerk(viewer) || { author: { is: { NOT: { full_name: 'a' } } } },
        fields: { body: { read: isClerk }, order: { read: { editor: { isNot: null } } } },
      },
      Data: { read: { id: { not: 3 } }, fields: { value: { read: { news: { some: { editorId: null } } } } } },
      City: { read: { population: { not: 0 } }, fields: { population: { read: { tram: { is: null } } } } },
      Region: { read: { cities: { none: { population: 1 } } } },
      Favourite: {
        read: { OR: [{ stars: null }, { stars: { gte: 0 } }] },
        fields: { since: { read: (viewer: Viewer) => ({ OR: [{ userId: viewer.id }, { stars: { gt: 0 } }] }) } },
      },
      Query: { read: { OR: [{ parentId: null }, { parent: { type: { not: 'ab' } } }] } },
      Node: { read: { user: { isNot: { x: 1 } } }, fields: { userId: { read: { edges: { gte: 0 } } } } },
      Specimen: {
        read: true,
        fields: {
          decimal: { read: { boolean: true } },
          bigintN: { read: { mood: { not: 'SAD' } } },
          dateN: { read: isClerk },
          bytea: { read: { integerN: null } },
          moodN: { read: { boolean: false } },
          jsonbN: { read: { boolean: true } },
        },
      },
    }),
  };
}

/** The models of the example under its own rules, by which most is hidden from whoever is no member. */
export function example(): WorldPlan {
  const viewers = [...uuids.slice(0, 3).map((sub) => ({ sub })), { role: 'admin' }];
  return { name: 'example', schema: readFileSync('prisma/app.prisma', 'utf8'), viewers, rules: exampleRules };
}

/** A forum, as schemas are that were read from a database. */
export function forum(): WorldPlan {
  const schema = readFileSync('test/schemas/public/forum.prisma', 'utf8');
  const models = modelsOf(schema).filter((name) => name !== 'incoming_links_archive');
  return {
    name: 'forum',
    schema,
    models,
    viewers: [undefined, { role: 'clerk' }, { role: 'admin' }],
    rules: openBut(models, {
      topics: {
        read: { visibility: { not: 'DELETED' } },
        fields: { user_id: { read: { visibility: 'PUBLIC' } }, views: { read: { posts: { some: {} } } } },
      },
      posts: {
        read: (viewer: Viewer) => viewer.role === 'clerk' || { deleted_at: null },
        fields: { score: { read: { reactions: { none: {} } } } },
      },
      users: {
        read: { OR: [{ suspended_till: null }, { posts: { some: { score: { gt: 0 } } } }] },
        fields: { trust_level: { read: { blocks: { none: {} } } } },
      },
      messages: { read: (viewer: Viewer) => viewer.role === 'clerk' || { to: { is: { posts: { some: {} } } } } },
      user_emails: { read: true, fields: { email: { read: { primary: true } } } },
      tags: { read: { OR: [{ synonym_of: null }, { target: { is: { topics: { some: {} } } } }] } },
    }),
  };
}

/** A shop, in several schemas of one database. */
export function shop(): WorldPlan {
  const schema = readFileSync('test/schemas/public/shop.prisma', 'utf8');
  return {
    name: 'shop',
    schema,
    viewers: [undefined, { sub: uuids[2] }, { role: 'admin' }],
    rules: openBut(modelsOf(schema), {
      Product: { read: { status: { not: 'archived' } }, fields: { weight: { read: { reviews: { some: {} } } } } },
      Customer: {
        read: (viewer: Viewer) => ({ OR: [{ id: viewer.id }, { marketing: true }] }),
        fields: { email: { read: (viewer: Viewer) => ({ id: viewer.id }) } },
      },
      Order: {
        read: (viewer: Viewer) => ({ OR: [{ customerId: viewer.id }, { customerId: null }] }),
        fields: { total: { read: { status: { in: ['paid', 'fulfilled'] } } } },
      },
      Review: { read: { OR: [{ stars: { gt: 0 } }, { body: null }] } },
      Price: { read: { list: { is: { OR: [{ start: null }, { currency: { not: 'aaa' } }] } } } },
      Payment: { read: { order: { is: { status: { not: 'cancelled' } } } } },
      Category: { read: { parent: { isNot: { name: 'a' } } } },
    }),
  };
}
