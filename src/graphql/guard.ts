import { createRequire } from 'node:module';
import type { GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Context } from '../context.ts';
import { covers } from '../data/rules/scopes.ts';
import type { DataOperation } from '../data/schema.ts';
import { MillraceError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { toClientError } from './client-errors.ts';

// @NOTE the CommonJS build: graphql-shield's other one imports `util.isUndefined`, which Node 23 and later do not have.
const loadShield = (): typeof import('graphql-shield') => createRequire(import.meta.url)('graphql-shield');

/** Who may use a root field that is not of the data API; said in the field's extensions as `access`. */
export type Access = 'everyone' | 'signed-in' | ((viewer: Viewer) => boolean);

type Resolver = GraphQLFieldResolver<unknown, Context>;
type Middleware = (resolve: Resolver, ...args: Parameters<Resolver>) => unknown;
type ShieldOptions = NonNullable<Parameters<typeof import('graphql-shield').shield>[1]>;

/**
 * Puts graphql-shield in front of every root field, closed by default: a field of the data API asks the rules of its model,
 * any other one needs an `access` of its own. Only root fields: what lies below is guarded by the planner, row by row.
 */
export function guardRoots(schema: GraphQLSchema): void {
  const { deny, rule, shield } = loadShield();
  const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const roots = types.filter((t) => t !== null && t !== undefined);
  const guard = (allows: (context: Context) => true | Error) =>
    rule({ cache: 'no_cache' })((_parent, _args, context: Context) => {
      try {
        return allows(context);
      } catch (error) {
        // @NOTE shield would take a rule that fails for one that refuses, and nobody would hear of it.
        return toClientError(error);
      }
    });
  const tree = Object.fromEntries(
    roots.map((root) => {
      const fields = Object.values(root.getFields()).map((field) => [
        field.name,
        guard(permissionOf(field.extensions, root === schema.getMutationType())),
      ]);
      return [root.name, Object.fromEntries(fields)];
    }),
  );
  const options = {
    fallbackRule: deny,
    fallbackError: refusal as unknown as ShieldOptions['fallbackError'],
    allowExternalErrors: true,
  };
  // @NOTE generated for a schema of the roots alone: shield would wrap the fields of every type.
  const middlewares = shield(tree, options).generate(rootsOnly(roots)) as unknown as Record<
    string,
    Record<string, Middleware>
  >;
  for (const root of roots) {
    for (const field of Object.values(root.getFields())) {
      const middleware = middlewares[root.name]![field.name]!;
      const resolve = field.resolve as Resolver;
      field.resolve = (parent, args, context, info) => middleware(resolve, parent, args, context, info);
      const permission = permissionOf(field.extensions, root === schema.getMutationType());
      const guard: Guard = (context) => permission(context) === true;
      field.extensions = { ...field.extensions, guard };
      const { subscribe } = field;
      if (!subscribe) continue;
      field.subscribe = async (parent, args, context: Context, info) => {
        const answer = await middleware(() => undefined, parent, args, context, info);
        if (answer instanceof Error) throw answer;
        return subscribe(parent, args, context, info);
      };
    }
  }
}

/** Whether shield would let this context through to a root field: the same question, asked without its way round. */
export type Guard = (context: Context) => boolean;

/** The guard of a root field. */
export const guardOf = (extensions: Readonly<Record<string, unknown>>): Guard => extensions.guard as Guard;

/** What shield looks at of a schema. */
const rootsOnly = (roots: readonly GraphQLObjectType[]): GraphQLSchema =>
  ({ getTypeMap: () => Object.fromEntries(roots.map((r) => [r.name, r])) }) as unknown as GraphQLSchema;

function permissionOf(
  extensions: Readonly<Record<string, unknown>>,
  isMutation: boolean,
): (context: Context) => true | Error {
  const operation = extensions.data as DataOperation | undefined;
  if (operation) {
    const { action, model } = operation;
    const actions = action === 'upsert' ? (['create', 'update'] as const) : [action];
    return ({ verdicts, viewer }) => actions.some((one) => verdicts.of(`${one}:${model}`) !== false) || refuse(viewer);
  }
  const access = extensions.access as Access | undefined;
  const scope = extensions.account ? 'accounts' : isMutation ? 'write' : 'read';
  return ({ viewer }) => {
    const isIn = viewer.scopes === undefined || covers(viewer.scopes, scope);
    return (isIn && (viewer.isAdmin || isAllowed(access, viewer))) || refuse(viewer);
  };
}

function isAllowed(access: Access | undefined, viewer: Viewer): boolean {
  if (typeof access === 'function') return access(viewer) === true;
  return access === 'everyone' || (access === 'signed-in' && !viewer.isAnonymous);
}

/** A stranger is asked to sign in, and told why a cookie of theirs does not count; somebody known is refused. */
export const refuse = (viewer: Viewer): Error =>
  toClientError(
    viewer.isAnonymous
      ? new MillraceError('UNAUTHENTICATED', ['sign in to do this', viewer.refusedCookie].filter(Boolean).join(': '))
      : new MillraceError(
          'FORBIDDEN',
          viewer.scopes ? 'not allowed, or not within the scopes of the key' : 'not allowed',
        ),
  );

const refusal = (error: unknown, _parent: unknown, _args: unknown, context: Context): Error =>
  error ? toClientError(error) : refuse(context.viewer);
