// Compiled, never run: each line marked must be an error to the compiler.
import { z } from 'zod';
import type { ColumnSchema, FittingSchema } from '../../../src/data/rules/column-schema.ts';
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

export const rightValues = defineRules({
  Task: {
    values: {
      title: z.string().trim().min(1),
      body: z.enum(['short', 'long']),
      status: z.enum(['TODO', 'DONE']),
      priority: z.int().min(0),
      estimate: z.number().positive(),
      extra: z.strictObject({ votes: z.int() }),
      dueAt: z.coerce.date(),
      createdAt: z.iso.datetime(),
      parentId: z.string().transform((id) => id || null),
    },
  },
  Project: { values: { budget: z.string().regex(/^\d+$/) } },
});

export const wrongValueSchemas = defineRules({
  Task: {
    values: {
      // @ts-expect-error a number for a text
      title: z.number(),
    },
  },
});

export const wrongOutput = defineRules({
  Task: {
    values: {
      // @ts-expect-error what is made of it is no number
      priority: z.int().transform(String),
    },
  },
});

export const wrongDate = defineRules({
  Task: {
    values: {
      // @ts-expect-error the API has dates as text
      dueAt: z.date(),
    },
  },
});

export const wrongList = defineRules({
  Task: {
    values: {
      // @ts-expect-error a list of texts for one
      title: z.array(z.string()),
    },
  },
});

export const wrongColumn = defineRules({
  Task: {
    values: {
      // @ts-expect-error there is no such column
      titel: z.string(),
    },
  },
});

export const relation = defineRules({
  Task: {
    values: {
      // @ts-expect-error a relation is no column
      project: z.string(),
    },
  },
});

export const noSchema = defineRules({
  Task: {
    values: {
      // @ts-expect-error no schema
      title: /x/,
    },
  },
});

const word = z.string();
const words = z.array(word);
export const list: FittingSchema<typeof words, ColumnSchema<string[]>> = words;
// @ts-expect-error one text for a list of them
export const noList: FittingSchema<typeof word, ColumnSchema<string[]>> = word;
