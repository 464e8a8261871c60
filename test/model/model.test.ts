import { describe, expect, it } from 'vitest';
import appRules from '../../app/rules.ts';
import { type ModelRules, type ModelViewer, mayRead, type RuledWorld, visibleFields } from './access.ts';
import { applyChanges, withDeleted } from './apply.ts';
import { exampleSchema } from './example.ts';
import { type RowChange, tellChange } from './tell.ts';
import { matches } from './where.ts';
import { wholeSight } from './world.ts';

const task = {
  id: 't1',
  projectId: 'p1',
  parentId: null,
  assigneeId: null,
  title: 'Pond',
  priority: 5,
  estimate: null,
};
const project = { id: 'p1', workspaceId: 'w1', name: 'Wheel', budget: '12.50', archived: false };
const world: RuledWorld = {
  schema: exampleSchema,
  rules: appRules as ModelRules,
  rows: {
    User: [
      { id: 'ann', name: 'Ann', email: 'ann@mill' },
      { id: 'ben', name: 'Ben', email: 'ben@mill' },
      { id: 'dora', name: 'Dora', email: 'dora@smithy' },
    ],
    Workspace: [{ id: 'w1', name: 'Mill', slug: 'mill' }],
    Member: [
      { workspaceId: 'w1', userId: 'ann', role: 'OWNER' },
      { workspaceId: 'w1', userId: 'ben', role: 'EDITOR' },
    ],
    Project: [project],
    Task: [task],
    Label: [{ id: 'l1', workspaceId: 'w1', name: 'urgent' }],
    _LabelToTask: [{ A: 'l1', B: 't1' }],
    Comment: [],
  },
};
const [ann, ben, dora, stranger]: ModelViewer[] = [{ id: 'ann' }, { id: 'ben' }, { id: 'dora' }, {}];

describe('the model’s logic is SQL’s', () => {
  it.each<[string, object, boolean | undefined]>([
    ['a value', { title: 'Pond' }, true],
    ['another value', { title: { equals: 'pond' } }, false],
    ['another case', { title: { equals: 'pond', mode: 'insensitive' } }, true],
    ['null compared', { estimate: { gt: 1 } }, undefined],
    ['null compared and negated', { NOT: { estimate: { gt: 1 } } }, undefined],
    ['null asked for', { estimate: null }, true],
    ['not null', { estimate: { not: null } }, false],
    ['numbers as numbers', { priority: { gt: 10 } }, false],
    ['unknown and false', { AND: [{ estimate: 1 }, { priority: 1 }] }, false],
    ['unknown or true', { OR: [{ estimate: 1 }, { priority: 5 }] }, true],
    ['OR of none', { OR: [] }, false],
    ['NOT of none', { NOT: [] }, true],
    ['in none', { estimate: { in: [] } }, false],
    ['a relation', { project: { name: 'Wheel' } }, true],
    ['no relation', { assignee: { is: { name: 'Ann' } } }, false],
    ['isNot of no relation', { assignee: { isNot: { name: 'Ann' } } }, true],
    ['null of a relation', { assignee: null }, true],
    ['many to many', { labels: { some: { name: 'urgent' } } }, true],
    ['none of many', { labels: { none: { name: 'urgent' } } }, false],
    ['every of none', { comments: { every: { body: 'x' } } }, true],
    ['two steps', { project: { workspace: { members: { some: { userId: 'ben' } } } } }, true],
    ['undefined', { title: undefined }, undefined],
    ['undefined in none', { project: { workspace: { members: { none: { userId: undefined } } } } }, undefined],
  ])('%s', (_title, where, expected) => {
    expect(matches(wholeSight(world), 'Task', task, where)).toBe(expected);
  });
});

it.each([
  ['ann', ann!, true, true],
  ['ben', ben!, true, false],
  ['dora', dora!, false, false],
  ['a stranger', stranger!, false, false],
  ['an admin', { isAdmin: true }, true, true],
])('what %s may read of a project', (_name, viewer, row, budget) => {
  expect(mayRead(world, viewer, 'Project', project)).toBe(row);
  expect(row && visibleFields(world, viewer, 'Project', project).includes('budget')).toBe(budget);
});

describe('the model tells', () => {
  const selection = { title: true, project: { name: true, budget: true } } as const;
  const told = (viewer: ModelViewer, changes: RowChange[], where?: object) => {
    const now = applyChanges(world, changes);
    const by = { viewer, where, node: selection, previous: { title: true } as const };
    return tellChange(by, changes.at(-1)!, now, withDeleted(now, changes));
  };
  const renamed: RowChange = { model: 'Task', before: task, after: { ...task, title: 'Mill' } };
  const dismissed: RowChange = { model: 'Member', before: world.rows.Member![1]!, after: null };

  it('an update, with what each may see', () => {
    const node = { title: 'Mill', project: { name: 'Wheel', budget: null } };
    const expected = { type: 'UPDATED', node, previous: { title: 'Pond' }, changedFields: ['title'] };
    expect(told(ben!, [renamed])).toMatchObject(expected);
    expect(told(ann!, [renamed])).toMatchObject({ node: { project: { budget: '12.50' } } });
    expect(told(dora!, [renamed])).toBeUndefined();
  });

  it('what the filter makes of it', () => {
    expect(told(ben!, [renamed], { title: { equals: 'Mill' } })).toMatchObject({ type: 'ENTERED', previous: null });
    expect(told(ben!, [renamed], { title: { equals: 'Pond' } })).toMatchObject({ type: 'REMOVED', reason: 'FILTERED' });
    expect(told(ben!, [renamed], { project: { is: { budget: { gt: 0 } } } })).toBeUndefined();
  });

  it('nothing of a hidden field', () => {
    const change = { model: 'Project', before: project, after: { ...project, budget: '1.00' } };
    const by = (viewer: ModelViewer) => ({ viewer, node: { name: true }, previous: {} }) as const;
    const now = applyChanges(world, [change]);
    expect(tellChange(by(ben!), change, now, now)).toBeUndefined();
    expect(tellChange(by(ann!), change, now, now)).toMatchObject({ changedFields: ['budget'] });
  });

  it('who is dismissed of what goes with it only', () => {
    expect(told(ben!, [dismissed, renamed])).toMatchObject({ type: 'REMOVED', reason: 'HIDDEN', node: null });
    const gone: RowChange = { model: 'Task', before: task, after: null };
    expect(told(ben!, [dismissed, gone])).toMatchObject({ type: 'DELETED', previous: { title: 'Pond' } });
  });
});
