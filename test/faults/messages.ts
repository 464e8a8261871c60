import { statuses, type TaskState } from './truth.ts';
import type { World } from './world.ts';

/** What a message is about, apart from checkpoints and holes. */
export const changeTypes = ['CREATED', 'UPDATED', 'DELETED', 'ENTERED', 'REMOVED'] as const;
export type ChangeType = (typeof changeTypes)[number];

/** The fields whose names in `changedFields` are held to the truth, each a bit. */
const fields = ['status', 'priority', 'projectId', 'parentId'] as const;

/** What a message says, or should say, in numbers; two that are equal in all of them say the same. */
export interface Message {
  type: ChangeType;
  /** HIDDEN, FILTERED, or none. */
  reason: '' | 'HIDDEN' | 'FILTERED';
  /** The version told of; 0 where the message does not say, for it shows no row. */
  version: number;
  /** The row after and before, packed; -1 where it is not shown. */
  node: number;
  previous: number;
  /** Bits of the fields that are said to have changed. */
  changed: number;
}

/** One number for all that a message shows of a row. */
export const pack = ({ project, status, priority, hasParent }: TaskState): number =>
  ((project * 3 + statuses.indexOf(status)) * 16 + priority) * 2 + (hasParent ? 1 : 0);

/** The bits of the fields that differ. */
export const changedBetween = (a: TaskState, b: TaskState): number =>
  (a.status === b.status ? 0 : 1) |
  (a.priority === b.priority ? 0 : 2) |
  (a.project === b.project ? 0 : 4) |
  (a.hasParent === b.hasParent ? 0 : 8);

/** A row as the API tells it. */
export interface ToldRow {
  estimate: number;
  status: (typeof statuses)[number];
  priority: number;
  projectId: string;
  parentId: string | null;
}

/** A change as the API tells it. */
export interface ToldChange {
  type: ChangeType | 'CHECKPOINT' | 'RESYNC';
  reason: string | null;
  cursor: string;
  key: { id: string } | null;
  node: ToldRow | null;
  previous: ToldRow | null;
  changedFields: string[] | null;
}

/** Reads a change that a client was told. */
export function readMessage(told: ToldChange, world: World): Message {
  const packed = (row: ToldRow | null) =>
    row
      ? pack({
          project: world.projectNumber(row.projectId),
          status: row.status,
          priority: row.priority,
          hasParent: row.parentId !== null,
        })
      : -1;
  const { node, previous } = told;
  return {
    type: told.type as ChangeType,
    reason: (told.reason ?? '') as Message['reason'],
    version: node ? node.estimate : previous ? previous.estimate + 1 : 0,
    node: packed(node),
    previous: packed(previous),
    changed: fields.reduce((bits, name, n) => bits | (told.changedFields?.includes(name) ? 1 << n : 0), 0),
  };
}
