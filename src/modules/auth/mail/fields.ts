import { MillraceError } from '../../../errors.ts';
import type { Builder } from '../../../graphql/builder.ts';
import type { OutboxMail } from '../../../platform/mail/outbox.ts';
import { type AccountFields, accountMutation, accountQuery, secret } from '../fields.ts';
import { delivered } from '../sessions/delivery.ts';
import {
  confirmEmailChange,
  requestEmailChange,
  requestEmailVerification,
  undoEmailChange,
  verifyEmail,
} from './address.ts';
import { mayReadOutbox } from './dev-mails.ts';
import {
  requestSignInCode,
  requestSignInLink,
  type SignInCodeRequest,
  signInWithCode,
  signInWithLink,
} from './sign-in.ts';

const redirectTo =
  'The page that the link leads to, which finds the token behind `#`: of PUBLIC_URL, of CORS_ORIGINS, or one that app/accounts.ts names. A page of Millrace’s own unless it is said.';

/** Adds what is done by mail: signing in by links and codes, and what becomes of addresses. */
export function mailFields(builder: Builder, { types, typeName }: AccountFields): void {
  const codeRequest = builder.objectRef<SignInCodeRequest>(typeName('SignInCodeRequest')).implement({
    description: 'A code that is on its way, if the address may sign in.',
    fields: (t) => ({
      challenge: t.exposeString('challenge', {
        nullable: false,
        description: 'Given to `signInWithCode` beside the code.',
      }),
      expiresAt: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'Until when the code is good.',
        resolve: ({ expiresAt }) => expiresAt.toISOString(),
      }),
    }),
  });
  accountMutation(builder, 'requestSignInLink', 'everyone', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Has a link sent by which one signs in, or up where anybody may. True for every address: nobody is told whether it has an account.',
      args: {
        email: t.arg.string({ required: true, description: 'The address.' }),
        redirectTo: t.arg.string({ description: redirectTo }),
      },
      resolve: async (_root, { email, redirectTo }, ctx) => {
        await requestSignInLink(ctx, email, redirectTo);
        return true;
      },
    }),
  );
  accountMutation(builder, 'signInWithLink', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Signs in by the token of a link, which is good once.',
      args: { token: t.arg.string({ required: true, description: 'What stands behind `token=` in the link.' }) },
      extensions: secret,
      resolve: async (_root, { token }, ctx) => delivered(ctx, await signInWithLink(ctx, token)),
    }),
  );
  accountMutation(builder, 'requestSignInCode', 'everyone', (t) =>
    t.field({
      type: codeRequest,
      nullable: false,
      description:
        'Has a code sent by which one signs in, or up where anybody may, to be typed where it was asked for. The same for every address.',
      args: { email: t.arg.string({ required: true, description: 'The address.' }) },
      extensions: secret,
      resolve: (_root, { email }, ctx) => requestSignInCode(ctx, email),
    }),
  );
  accountMutation(builder, 'signInWithCode', 'everyone', (t) =>
    t.field({
      type: types.signInResult,
      nullable: false,
      description: 'Signs in by a code. It is good once; five wrong ones end it.',
      args: {
        challenge: t.arg.string({ required: true, description: 'What `requestSignInCode` has answered.' }),
        code: t.arg.string({ required: true, description: 'What the mail says; spaces do not matter.' }),
      },
      extensions: secret,
      resolve: async (_root, { challenge, code }, ctx) => delivered(ctx, await signInWithCode(ctx, challenge, code)),
    }),
  );
  addressFields(builder);
  outboxFields(builder, typeName);
}

function addressFields(builder: Builder): void {
  accountMutation(builder, 'requestEmailVerification', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description: 'Has a link sent to the viewer’s address, by which it is verified. True, also where it is already.',
      args: { redirectTo: t.arg.string({ description: redirectTo }) },
      resolve: async (_root, { redirectTo }, ctx) => {
        await requestEmailVerification(ctx, redirectTo);
        return true;
      },
    }),
  );
  const byToken = (name: string, access: 'everyone' | 'signed-in', description: string, act: typeof verifyEmail) =>
    accountMutation(builder, name, access, (t) =>
      t.boolean({
        nullable: false,
        description,
        args: { token: t.arg.string({ required: true, description: 'What stands behind `token=` in the link.' }) },
        resolve: async (_root, { token }, ctx) => {
          await act(ctx, token);
          return true;
        },
      }),
    );
  byToken('verifyEmail', 'signed-in', 'Verifies the viewer’s address. It takes a session of the account.', verifyEmail);
  accountMutation(builder, 'requestEmailChange', 'signed-in', (t) =>
    t.boolean({
      nullable: false,
      description:
        'Has a link sent to another address, which becomes the viewer’s when it is followed. It takes a fresh sign-in. True, whether or not that address has an account.',
      args: {
        newEmail: t.arg.string({ required: true, description: 'The other address.' }),
        redirectTo: t.arg.string({ description: redirectTo }),
      },
      resolve: async (_root, { newEmail, redirectTo }, ctx) => {
        await requestEmailChange(ctx, newEmail, redirectTo);
        return true;
      },
    }),
  );
  byToken(
    'confirmEmailChange',
    'signed-in',
    'Gives the viewer the address that the link was sent to. The one before is told, with a link to undo it.',
    confirmEmailChange,
  );
  byToken(
    'undoEmailChange',
    'everyone',
    'Puts back the address that the link was sent to: everybody is signed out, the password goes, and so do ways in that were added since.',
    undoEmailChange,
  );
}

function outboxFields(builder: Builder, typeName: (name: string) => string): void {
  const devMail = builder.objectRef<OutboxMail>(typeName('DevMail')).implement({
    description: 'A mail that would have been sent, were this not a server for development.',
    fields: (t) => ({
      id: t.exposeID('id', { nullable: false, description: 'Its number.' }),
      to: t.exposeString('to', { nullable: false, description: 'To whom.' }),
      subject: t.exposeString('subject', { nullable: false, description: 'What it is about.' }),
      text: t.exposeString('text', { nullable: false, description: 'What it says.' }),
      html: t.exposeString('html', { nullable: false, description: 'The same as HTML.' }),
      at: t.field({ type: 'DateTime', nullable: false, description: 'When.', resolve: ({ at }) => at }),
    }),
  });
  accountQuery(builder, 'devMails', 'everyone', (t) =>
    t.field({
      type: [devMail],
      nullable: false,
      description:
        'The newest mails of a server for development, newest first, as `/dev/mail` shows them. FORBIDDEN on every other one.',
      args: { first: t.arg.int({ description: 'How many; 20 unless it is said, 200 at most.' }) },
      resolve: (_root, { first }, ctx) => {
        const { outbox } = ctx.accounts!.mailing;
        if (!outbox || !mayReadOutbox(ctx)) throw new MillraceError('FORBIDDEN', 'mails are not shown here');
        return outbox.list(Math.min(Math.max(first ?? 20, 1), 200));
      },
    }),
  );
}
