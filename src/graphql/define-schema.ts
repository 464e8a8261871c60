import type { GraphQLResolveInfo } from 'graphql';
import type { Api } from '../data/api/api-model.ts';
import type { Answers } from '../data/api/outputs.ts';
import { needKey } from '../data/planner/row.ts';
import { StartupError } from '../errors.ts';
import type { Prisma } from '../generated/prisma/client.ts';
import type { Builder, BuilderTypes } from './builder.ts';
import type { Access } from './guard.ts';
import type { SchemaExtension } from './schema.ts';

export { MillraceError } from '../errors.ts';
export type { Access } from './guard.ts';

type Types = PothosSchemaTypes.ExtendDefaultTypes<BuilderTypes>;
type Models = Prisma.TypeMap['model'];
type ModelName = keyof Models & string;
type Scalars<M extends ModelName> = Models[M]['payload']['scalars'];
type FieldName<M extends ModelName> = keyof Scalars<M> & string;

/** A value as the API writes it: exact numbers, instants and bytes are texts. */
type Written<T> = T extends Date | bigint | Prisma.Decimal | Uint8Array ? string : T;

/** What a field's resolver is handed of its row; a value that the viewer may not read is null. */
export type Needed<M extends ModelName, F extends FieldName<M>> = { readonly [K in F]: Written<Scalars<M>[K]> | null };

/** The means to add fields of one's own; fields are written as Pothos writes them. */
export interface SchemaTools {
  /** Pothos itself, for types, inputs and enums of one's own. A root field added by it alone is closed to all but the admin role. */
  builder: Builder;
  /** Adds a field to the queries, for those whom `access` lets. */
  queryField(
    name: string,
    access: Access,
    define: (t: PothosSchemaTypes.QueryFieldBuilder<Types, Types['Root']>) => unknown,
  ): void;
  /** Adds a field to the mutations, for those whom `access` lets. */
  mutationField(
    name: string,
    access: Access,
    define: (t: PothosSchemaTypes.MutationFieldBuilder<Types, Types['Root']>) => unknown,
  ): void;
  /** Adds a field to a model's type; its resolver is handed the fields that it needs of the row, under their own names. */
  dataField<M extends ModelName, F extends FieldName<M>>(
    model: M,
    name: string,
    needs: readonly F[],
    define: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Needed<M, F>>) => unknown,
  ): void;
}

/** Declares GraphQL fields of the application's own; the default export of app/schema.ts. */
export function defineSchema(define: (tools: SchemaTools) => void): SchemaExtension {
  return (builder, api) => {
    define({
      builder,
      queryField(name, access, field) {
        builder.queryField(name, (t) => field(withOptions(t, { access })) as never);
      },
      mutationField(name, access, field) {
        builder.mutationField(name, (t) => field(withOptions(t, { access })) as never);
      },
      dataField(model, name, needs, field) {
        const type = typeOf(api, model, name, needs);
        builder.objectField(type as never, name, (t) => {
          const own = withOptions(t, { needs }, (parent, { fieldNodes: [node] }) => {
            const needed = parent[needKey((node!.alias ?? node!.name).value)] as readonly unknown[];
            return Object.fromEntries(needs.map((need, i) => [need, needed[i]]));
          });
          return field(own as never) as never;
        });
      },
    });
  };
}

function typeOf(api: Api, model: string, name: string, needs: readonly string[]): string {
  const known = api.models.get(model);
  const refuse = (what: string): never => {
    throw new StartupError(
      `app/schema.ts: the field ${name} cannot be added to ${model}: ${what}`,
      'correct app/schema.ts',
    );
  };
  if (!known) return refuse('there is no such model in the API');
  if (known.fields.has(name) || known.aggregates.has(name)) return refuse('the model has a field of that name');
  // PostgreSQL's functions take no more.
  if (needs.length > 100) return refuse(`it needs ${needs.length} fields, and may need 100`);
  const missing = needs.find((need) => known.model.fields.get(need)?.kind !== 'column');
  return missing === undefined ? known.name : refuse(`it needs ${missing}, which is no column of the model`);
}

type Resolver = (parent: Answers, args: unknown, context: unknown, info: GraphQLResolveInfo) => unknown;

type Options = { extensions?: object; resolve?: Resolver };

/** The same field builder, whose fields carry these extensions, and whose resolvers are handed `parentOf` their parent. */
function withOptions<T extends object>(
  t: T,
  extensions: object,
  parentOf?: (parent: Answers, info: GraphQLResolveInfo) => unknown,
): T {
  return new Proxy(t, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      // `t.arg` makes arguments, not fields.
      if (typeof member !== 'function' || key === 'arg') return member;
      return (...args: unknown[]) => {
        const options = (args.pop() ?? {}) as Options;
        const { resolve } = options;
        const made = {
          ...options,
          extensions: { ...options.extensions, ...extensions },
          ...(resolve && parentOf
            ? {
                resolve: ((parent, args, context, info) =>
                  resolve(parentOf(parent, info) as Answers, args, context, info)) satisfies Resolver,
              }
            : {}),
        };
        return (member as (...given: unknown[]) => unknown).call(target, ...args, made);
      };
    },
  });
}
