CREATE VIEW public.writers AS
  SELECT u.id, u."full name" AS name, count(n.id) AS articles
  FROM public.users u LEFT JOIN public."news items" n ON n.author = u.id
  GROUP BY u.id;
CREATE VIEW "Back Office"."Totals" AS
  SELECT 'users' AS what, count(*)::int AS many FROM public.users
  UNION ALL SELECT 'news', count(*)::int FROM public."news items"
  UNION ALL SELECT null, null;
