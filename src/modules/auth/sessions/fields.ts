import { MillraceError } from '../../../errors.ts';
import type { Builder } from '../../../graphql/builder.ts';
import { recordEvent } from '../audit.ts';
import { type AccountFields, accountMutation, secret } from '../fields.ts';
import { requireSession } from '../viewers.ts';
import { cookieRefused, deliver, refreshTokenOf, takeCookies } from './delivery.ts';
import { endSession, endSessions, refreshSession } from './session.ts';

/** Adds what becomes of a session: it is renewed, looked after, ended. */
export function sessionFields(builder: Builder, { types }: AccountFields): void {
  accountMutation(builder, 'refreshSession', 'everyone', (t) =>
    t.field({
      type: types.sessionTokens,
      nullable: false,
      description:
        'New tokens for a refresh token, which is good once. Used again after its successor, it ends the session: somebody else has it too.',
      args: {
        refreshToken: t.arg.string({ description: 'What signing in gave; left out where a cookie carries it.' }),
      },
      extensions: secret,
      resolve: async (_root, { refreshToken }, ctx) =>
        deliver(ctx, await refreshSession(ctx, refreshTokenOf(ctx, refreshToken)), !refreshToken),
    }),
  );
  accountMutation(builder, 'signOut', 'everyone', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Ends this session everywhere: its tokens, its sockets, its streams. False where nobody was signed in.',
      resolve: async (_root, _args, ctx) => {
        const { session, id, refusedCookie } = ctx.viewer;
        if (refusedCookie !== undefined && ctx.client.cookies().refresh === undefined)
          throw cookieRefused(refusedCookie);
        takeCookies(ctx);
        if (!session || id === undefined) return false;
        await endSession(ctx, id, session.id);
        await recordEvent(ctx, ctx.db, session.impersonatorId ? 'impersonation-ended' : 'signed-out', { userId: id });
        return true;
      },
    }),
  );
  accountMutation(builder, 'signOutEverywhere', 'signed-in', (t) =>
    t.int({
      nullable: false,
      description: 'Ends all sessions of the viewer; tells how many there were.',
      args: { exceptThis: t.arg.boolean({ description: 'Leaves the session that asks. False unless said.' }) },
      resolve: async (_root, { exceptThis }, ctx) => {
        const { id, session } = requireSession(ctx);
        const count = await endSessions(ctx, id, exceptThis ? session.id : undefined);
        if (!exceptThis) takeCookies(ctx);
        await recordEvent(ctx, ctx.db, 'signed-out', { userId: id, details: { sessions: count } });
        return count;
      },
    }),
  );
  accountMutation(builder, 'revokeSession', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Ends one session of the viewer, as `authSessions` lists them.',
      args: { id: t.arg.id({ required: true, description: 'Which.' }) },
      resolve: async (_root, { id: sessionId }, ctx) => {
        const { id } = requireSession(ctx);
        if (!(await endSession(ctx, id, String(sessionId))))
          throw new MillraceError('NOT_FOUND', 'there is no such session');
        await recordEvent(ctx, ctx.db, 'session-revoked', { userId: id, details: { session: String(sessionId) } });
        return true;
      },
    }),
  );
}
