/** The kinds of rows that a history has, with the digit that their ids have. */
const kinds = { user: 1, workspace: 2, project: 3, task: 4, label: 5, comment: 6 } as const;

/** The id of the nth row of a kind in a scope. */
export const idOf = (scope: string, kind: keyof typeof kinds, n: number): string =>
  `${scope}-0000-7000-8000-${kinds[kind]}${String(n).padStart(11, '0')}`;

/** How many rows of each kind a history speaks of; users belong to the lane. */
export const slots = { user: 3, workspace: 2, project: 3, task: 5, label: 2, comment: 3 } as const;
