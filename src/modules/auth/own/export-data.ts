import type { RateRule } from '../../../platform/rate-limits/rate-limits.ts';
import { recordEvent } from '../audit.ts';
import { requireSession } from '../viewers.ts';
import { type PersonalNeeds, readPersonalRows } from './personal-rows.ts';

const exports: RateRule = { name: 'exports by account', points: 10, seconds: 3600 };

/** Tables of accounts that hold a user's own rows, and what of them is exported: nothing that signs in is among it. */
const parts: Readonly<Record<string, string>> = {
  account:
    'select user_id, kind, name, email, email_verified_at, roles, claims, disabled_at, created_at from auth_accounts where user_id = $1',
  identities: 'select provider, issuer, subject, email, created_at from auth_identities where user_id = $1',
  sessions:
    'select id, created_at, expires_at, authenticated_at, methods, assurance, address, user_agent, actor_id from auth_sessions where user_id = $1',
  passkeys: 'select id, name, is_backed_up, created_at, last_used_at from auth_passkeys where user_id = $1',
  devices: 'select id, name, public_key, created_at, last_used_at from auth_devices where user_id = $1',
  apiKeys:
    'select id, name, prefix, scopes, expires_at, created_at, last_used_at from auth_api_keys where user_id = $1',
  events:
    'select id, at, kind, actor_id, session_id, address, user_agent, details from auth_events where user_id = $1 order by at desc limit 10000',
};

const organizations = `select o.id, o.name, m.role, m.joined_at from organization_members m join organizations o on o.id = m.organization_id
  where m.user_id = $1`;

/** Everything that is known of the viewer: their account, and the rows that app/accounts.ts names. @throws RATE_LIMITED, TOO_LARGE */
export async function exportMyData(ctx: PersonalNeeds): Promise<Record<string, unknown>> {
  const { id } = requireSession(ctx);
  const { limits, plan } = ctx.accounts!;
  await limits.take(exports, id);
  const all: Record<string, unknown> = {};
  const texts = plan.hasOrganizations ? { ...parts, organizations } : parts;
  for (const [name, text] of Object.entries(texts)) {
    const [row] = await ctx.room.turn(() =>
      ctx.db.query({ text: `select coalesce(json_agg(x), '[]')::text from (${text}) x`, values: [id] }),
    );
    const rows = JSON.parse(ctx.room.take(row![0] as string)) as Record<string, unknown>[];
    const named = rows.map((r) => Object.fromEntries(Object.entries(r).map(([key, value]) => [camel(key), value])));
    all[name] = name === 'account' ? named[0] : named;
  }
  const rows = await readPersonalRows(ctx, id);
  await recordEvent(ctx, ctx.db, 'data-exported', { userId: id });
  return { ...all, rows };
}

const camel = (column: string): string => column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
