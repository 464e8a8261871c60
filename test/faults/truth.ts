/** A task as one of its versions is, as far as filters, rules and messages look at it. */
export interface TaskState {
  /** The number of its project. */
  readonly project: number;
  readonly status: Status;
  readonly priority: number;
  readonly hasParent: boolean;
}

export const statuses = ['TODO', 'DOING', 'DONE'] as const;
export type Status = (typeof statuses)[number];

/** What a transaction did to one task: it made this version of it. */
export interface Change {
  readonly id: string;
  readonly version: number;
  /** Undefined when the task was deleted. */
  readonly state: TaskState | undefined;
  /** When the statement was sent that did it. */
  readonly sentAt: number;
}

/** One committed version of a task. Times are this process's, in milliseconds. */
export interface Version extends Change {
  /** When the commit was sent, and when it was known to have succeeded. */
  readonly committingAt: number;
  readonly ackAt: number;
}

/**
 * What was committed, by those who committed it. Versions of a task are numbered by its counter, from 1 without a gap,
 * for what was rolled back took its number with it.
 */
export class Truth {
  /** The versions of each task; version n stands at n - 1. */
  readonly tasks = new Map<string, Version[]>();
  count = 0;
  private readonly listeners: ((versions: readonly Version[]) => void)[] = [];

  onCommit(listener: (versions: readonly Version[]) => void): void {
    this.listeners.push(listener);
  }

  /** Notes what a transaction that has been committed did. */
  record(changes: readonly Change[], committingAt: number, ackAt: number): void {
    const versions = changes.map((change) => ({ ...change, committingAt, ackAt }));
    for (const version of versions) {
      const known = this.tasks.get(version.id) ?? [];
      if (known[version.version - 1]) throw new Error(`two transactions made version ${version.version} of a task`);
      known[version.version - 1] = version;
      this.tasks.set(version.id, known);
    }
    this.count += versions.length;
    for (const listener of this.listeners) listener(versions);
  }

  /** The newest version of a task that is known; it may be the tombstone. */
  newest(id: string): Version | undefined {
    return this.tasks.get(id)?.at(-1);
  }

  /** Tasks whose versions have holes: then this account is wrong, and nothing can be held to it. */
  holes(): string[] {
    return [...this.tasks].filter(([, versions]) => versions.includes(undefined as never)).map(([id]) => id);
  }
}
