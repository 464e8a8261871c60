-- The rules of app/rules.ts as PostgreSQL's own, for the peer that leaves them to it. They bind this role and nobody else:
-- the other peers ask as the tables' owner. Of the settings, the viewer is read once a statement, not once a row.
create role reader nologin;
grant usage on schema public to reader;
grant select (id, name, active, created_at) on users to reader;
grant select on posts, comments to reader;

create function viewer_id() returns uuid language sql stable
  as $$ select nullif(current_setting('jwt.claims.user_id', true), '')::uuid $$;

alter table users enable row level security;
alter table posts enable row level security;
alter table comments enable row level security;
create policy readable on users for select to reader using (active or id = (select viewer_id()));
create policy readable on posts for select to reader using (published or author_id = (select viewer_id()));
create policy readable on comments for select to reader
  using (exists (select from posts p where p.id = post_id and (p.published or p.author_id = (select viewer_id()))));

-- Ids that Prisma and Millrace make, for whoever leaves them to the database.
alter table posts alter column id set default uuidv7();
alter table comments alter column id set default uuidv7();
grant insert on comments to reader;
grant insert, update on posts to reader;
create policy creatable on comments for insert to reader with check (
  author_id = (select viewer_id())
  and exists (select from posts p where p.id = post_id and (p.published or p.author_id = (select viewer_id())))
);
create policy creatable on posts for insert to reader with check (author_id = (select viewer_id()));
create policy changeable on posts for update to reader
  using (published or author_id = (select viewer_id())) with check (published or author_id = (select viewer_id()));
