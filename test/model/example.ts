import type { ColumnType, Schema } from './world.ts';

const columns = (text: string, number = '', boolean = ''): Record<string, ColumnType> => {
  const list = (names: string, type: ColumnType) =>
    names
      .split(' ')
      .filter(Boolean)
      .map((name) => [name, type]);
  return Object.fromEntries([...list(text, 'text'), ...list(number, 'number'), ...list(boolean, 'boolean')]);
};
const one = (to: string, here: string, there = 'id') => ({ to, isList: false, by: [[here, there]] as const });
const many = (to: string, there: string, here = 'id') => ({ to, isList: true, by: [[here, there]] as const });

/** The models of `prisma/app.prisma`. */
export const exampleSchema: Schema = {
  User: {
    key: ['id'],
    columns: columns('id email name createdAt'),
    relations: {
      memberships: many('Member', 'userId'),
      assigned: many('Task', 'assigneeId'),
      comments: many('Comment', 'authorId'),
    },
  },
  Workspace: {
    key: ['id'],
    columns: columns('id name slug createdAt'),
    relations: {
      members: many('Member', 'workspaceId'),
      projects: many('Project', 'workspaceId'),
      labels: many('Label', 'workspaceId'),
    },
  },
  Member: {
    key: ['workspaceId', 'userId'],
    columns: columns('workspaceId userId role joinedAt'),
    relations: { workspace: one('Workspace', 'workspaceId'), user: one('User', 'userId') },
  },
  Project: {
    key: ['id'],
    columns: columns('id workspaceId name startsOn createdAt', 'budget', 'archived'),
    relations: { workspace: one('Workspace', 'workspaceId'), tasks: many('Task', 'projectId') },
  },
  Task: {
    key: ['id'],
    columns: columns(
      'id projectId parentId assigneeId title body status extra dueAt createdAt updatedAt',
      'priority estimate',
    ),
    relations: {
      project: one('Project', 'projectId'),
      parent: one('Task', 'parentId'),
      subtasks: many('Task', 'parentId'),
      assignee: one('User', 'assigneeId'),
      labels: { to: 'Label', isList: true, through: { rows: '_LabelToTask', here: 'B', there: 'A' } },
      comments: many('Comment', 'taskId'),
    },
  },
  Label: {
    key: ['id'],
    columns: columns('id workspaceId name color'),
    relations: {
      workspace: one('Workspace', 'workspaceId'),
      tasks: { to: 'Task', isList: true, through: { rows: '_LabelToTask', here: 'A', there: 'B' } },
    },
  },
  Comment: {
    key: ['id'],
    columns: columns('id taskId authorId body createdAt'),
    relations: { task: one('Task', 'taskId'), author: one('User', 'authorId') },
  },
};
