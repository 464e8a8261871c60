import { DirectiveLocation, GraphQLBoolean, GraphQLDirective, GraphQLNonNull } from 'graphql';
import type { Api, ApiModel } from '../data/api/api-model.ts';
import { inputType } from '../data/api/filters.ts';
import { type Answers, addObject } from '../data/api/outputs.ts';
import { typeNameOf } from '../data/api/scalars.ts';
import { keyFields } from '../data/planner/change.ts';
import type { DataRead } from '../data/planner/plan.ts';
import { resolveRead } from '../data/resolve.ts';
import type { DataOperation } from '../data/schema.ts';
import { MillraceError } from '../errors.ts';
import type { Builder } from '../graphql/builder.ts';

/** What a root field of the subscriptions tells the changes of; kept in the field's extensions as `changes`. */
export interface ChangesField {
  model: ApiModel;
}

const changeTypes = {
  CREATED: 'A row was made.',
  UPDATED: 'A row was changed, in a field that the viewer may read.',
  DELETED: 'A row was deleted.',
  ENTERED: 'A row that the viewer could not see, or that the filter left out, is now among those the stream is about.',
  REMOVED: 'A row is no longer among those the stream is about; `reason` says why.',
  CHECKPOINT: 'Nothing happened that concerns this stream; its cursor has moved on.',
  RESYNC:
    'What happened up to here cannot be told; `reason` says why. Read anew what you hold; the stream goes on from this cursor.',
};

const changeReasons = {
  HIDDEN: 'The viewer may not see the row any more.',
  FILTERED: 'The row does not match `where` any more.',
  EXPIRED: 'The cursor is older than what the log still holds.',
  RESTARTED:
    'The cursor belongs to a history that has ended: the database was restored, or changes were not recorded for a while.',
  TRUNCATED: 'All rows of the table were removed at once.',
  PERMISSION: 'What the viewer may see has changed as a whole.',
  FAILED: 'A change could not be judged.',
};

/** Makes a query one that goes on answering. */
export const liveDirective = new GraphQLDirective({
  name: 'live',
  description:
    'Over a WebSocket or an event stream: first the answer, then the new one whenever something it depends on has changed. Anywhere else: the answer, once.',
  locations: [DirectiveLocation.QUERY],
  args: {
    patch: {
      type: new GraphQLNonNull(GraphQLBoolean),
      defaultValue: false,
      description:
        'Tell what differs (RFC 6902) in `extensions.live.patch` instead of the whole answer, where that is shorter. `extensions.live.revision` counts the answers.',
    },
  },
});

/** Adds the subscriptions that tell what happens to the rows of each model, and the cursor that a query stands at. */
export function liveSchema(builder: Builder, api: Api): void {
  const models = [...api.models.values()].filter(({ model }) => !model.isView);
  if (models.length === 0) return;
  builder.queryField('changesCursor', (t) =>
    t.field({
      type: 'String',
      nullable: false,
      description:
        'The place that this very answer stands at: given as `after` to a subscription, that goes on exactly where the answer ends.',
      extensions: { read: { kind: 'place' } satisfies DataRead, access: 'everyone' },
      resolve: (_root, _args, context, info) => resolveRead(context, info) as never,
    }),
  );
  addEnum(builder, api.typeName('ChangeType'), 'What a change is to whoever hears of it.', changeTypes);
  addEnum(builder, api.typeName('ChangeReason'), 'Why a row is gone, or why a stream has a hole.', changeReasons);
  for (const model of models) {
    addTypes(builder, api, model);
    addChanges(builder, api, model);
  }
}

function addEnum(builder: Builder, name: string, description: string, values: Record<string, string>): void {
  builder.enumType(name, {
    description,
    values: Object.fromEntries(Object.entries(values).map(([value, words]) => [value, { description: words }])),
  });
}

function addTypes(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  const key = keyFields(model);
  if (key.length > 0) {
    addObject(builder, api.typeName(`${name}Key`), `What names a row of ${name}.`, () =>
      Object.fromEntries(
        key.map(([field, column]) => [
          field,
          {
            type: typeNameOf(api, column),
            nullable: true,
            description: 'Part of the key; null where the viewer may not read it.',
          },
        ]),
      ),
    );
  }
  addObject(
    builder,
    api.typeName(`${name}Change`),
    `What happened to a row of ${name}, as the viewer may know it.`,
    () => ({
      type: { type: api.typeName('ChangeType'), nullable: false, description: 'What it is to the viewer.' },
      reason: {
        type: api.typeName('ChangeReason'),
        nullable: true,
        description: 'Why, of REMOVED and RESYNC.',
      },
      cursor: {
        type: 'String',
        nullable: false,
        description: 'The place behind this change: give it as `after` to go on from here.',
      },
      at: { type: api.typeName('DateTime'), nullable: false, description: 'When it happened.' },
      ...(key.length > 0 && {
        key: {
          type: api.typeName(`${name}Key`),
          nullable: true,
          description: 'Which row; null where it is about none.',
        },
      }),
      node: {
        type: name,
        nullable: true,
        description: 'The row after the change; its relations as they are now. Null when there is none to be seen.',
      },
      previous: {
        type: name,
        nullable: true,
        description: 'The row before the change, of UPDATED, DELETED, and REMOVED by the filter.',
      },
      changedFields: {
        type: 'String',
        isList: true,
        nullable: true,
        description: 'Of UPDATED: the fields whose values have changed, among those the viewer may read.',
      },
    }),
  );
}

function addChanges(builder: Builder, api: Api, model: ApiModel): void {
  const { name } = model;
  builder.subscriptionField(`${model.one}Changes`, (t) =>
    t.field({
      type: api.typeName(`${name}Change`) as never,
      nullable: false,
      description: `What happens to the rows of ${name} that the viewer may see: every change, once, in order, also those while the connection was cut.`,
      args: {
        where: t.arg({
          type: inputType(api.typeName(`${name}WhereInput`)),
          required: false,
          description: 'Which rows; judged before and after each change.',
        }),
        events: t.arg({
          type: [api.typeName('ChangeType')] as never,
          required: false,
          description: 'Which kinds of change; all by default. CHECKPOINT and RESYNC always come.',
        }),
        after: t.arg({
          type: 'String',
          required: false,
          description: 'The cursor to go on from; without one the stream begins now, with a CHECKPOINT.',
        }),
      },
      extensions: {
        changes: { model } satisfies ChangesField,
        data: { model: model.model.name, action: 'read' } satisfies DataOperation,
      },
      // @NOTE never asked: the live engine answers. A transport that cannot carry a stream is told so here.
      subscribe: () => {
        throw new MillraceError(
          'INVALID_INPUT',
          'subscriptions need a stream: a WebSocket, or Accept: text/event-stream',
        );
      },
      resolve: (parent) => parent as Answers as never,
    }),
  );
}

/** What a root field of the subscriptions is about; undefined when it is none of the data API. */
export const changesOf = (extensions: Readonly<Record<string, unknown>>): ChangesField | undefined =>
  extensions.changes as ChangesField | undefined;
