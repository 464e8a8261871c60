/** Where mails go in development: into a table, in which their reader finds them. */
import type { Database } from '../db.ts';
import { makeTables } from '../own-tables.ts';
import { checkMail, type Mail, type Mailer } from './mailer.ts';

/** A mail that was sent here. */
export interface OutboxMail extends Mail {
  id: string;
  /** As ISO 8601. */
  at: string;
}

/** The outbox of development. */
export interface Outbox extends Mailer {
  /** The newest mails, newest first. */
  list(first: number): Promise<OutboxMail[]>;
}

/** Mails that are kept. */
const most = 200;

const table = `
create table if not exists millrace.outbox (
  id bigint generated always as identity primary key,
  recipient text not null,
  subject text not null,
  text text not null,
  html text not null,
  at timestamptz not null default now()
);`;

/** Opens the outbox; makes its table where it is missing. */
export async function openOutbox(db: Database): Promise<Outbox> {
  await makeTables(db, 'millrace.outbox', table);
  return {
    async send(mail) {
      checkMail(mail);
      const { to, subject, text, html } = mail;
      await db.query({
        text: 'insert into millrace.outbox (recipient, subject, text, html) values ($1, $2, $3, $4)',
        values: [to, subject, text, html],
      });
      await db.query({
        text: `delete from millrace.outbox where id <= (select id from millrace.outbox order by id desc offset ${most} limit 1)`,
        values: [],
      });
    },
    async list(first) {
      const rows = await db.query({
        text: `select id::text, recipient, subject, text, html,
            to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          from millrace.outbox o order by o.id desc limit $1`,
        values: [Math.min(first, most)],
      });
      return (rows as string[][]).map((row) => {
        const [id, to, subject, text, html, at] = row as [string, string, string, string, string, string];
        return { id, to, subject, text, html, at };
      });
    },
  };
}
