// Compiled, never run: each line marked must be an error to the compiler.
import { defineRules } from '../../../src/data/rules/define-rules.ts';

export const wrongFields = defineRules({
  Task: {
    // @ts-expect-error a wrong field beside a right one
    read: (viewer) => ({ assigneeId: viewer.id, titel: 'x' }),
    // @ts-expect-error one relation down
    create: (viewer) => ({ project: { name: 'x', nam: viewer.id } }),
    // @ts-expect-error four relations down
    update: (viewer) => ({ project: { workspace: { members: { some: { userId: viewer.id, usrId: viewer.id } } } } }),
    // @ts-expect-error in a list filter
    delete: (viewer) => ({ labels: { some: { name: 'x', colour: viewer.id } } }),
  },
});

export const wrongValues = defineRules({
  Task: {
    // @ts-expect-error a value of a wrong type
    read: (viewer) => ({ title: 1, assigneeId: viewer.id }),
  },
});

export const wrongOperand = defineRules({
  Task: {
    // @ts-expect-error an operand of a wrong type
    read: (viewer) => ({ priority: { gt: viewer.id } }),
  },
});

export const wrongModel = defineRules({
  // @ts-expect-error there is no such model
  Tusk: { read: true },
});

export const wrongFieldRule = defineRules({
  Task: {
    fields: {
      // @ts-expect-error there is no such field
      nope: { read: true },
    },
  },
});

export const right = defineRules({
  Task: {
    read: (viewer) =>
      viewer.role === 'support' || {
        OR: [{ assigneeId: viewer.id }, { labels: { none: { name: { in: ['secret'] } } } }],
      },
    update: { dueAt: { lt: new Date(0) } },
    fields: { title: { write: false } },
  },
});
