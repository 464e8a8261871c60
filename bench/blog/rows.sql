-- 10,000 people, 100,000 posts, 500,000 comments, the same ones every time: all is made of numbers and their hashes.
-- Instants differ, so that every order by them is one order.
-- What is made here keeps its keys, and checking that takes longer than making it.
set session_replication_role = replica;

insert into users (id, name, email, active, created_at)
select md5('user ' || n)::uuid,
  (array['Ada', 'Amir', 'Chiara', 'Dara', 'Elif', 'Goran', 'Hana', 'Ivo', 'Kofi', 'Mei'])[1 + mod(n, 10)] || ' '
    || (array['Abebe', 'Berg', 'Castillo', 'Eriksen', 'Farah', 'Gupta', 'Ito', 'Kovac', 'Moreau', 'Okafor'])[1 + mod(n / 10, 10)],
  'person' || n || '@example.com',
  mod(n, 50) <> 7, -- two in a hundred have left
  timestamptz '2024-01-01 00:00:00Z' + n * interval '1 hour'
from generate_series(1, 10000) n;

insert into posts (id, author_id, title, body, category, published, views, created_at)
select md5('post ' || n)::uuid,
  md5('user ' || 1 + mod(abs(hashint4(n)), 10000))::uuid,
  'What ' || (array['mills', 'rivers', 'bridges', 'clocks', 'maps', 'kites', 'tides', 'bells'])[1 + mod(abs(hashint4(n + 1)), 8)]
    || ' can teach us about ' || (array['patience', 'trade', 'design', 'cooking', 'music', 'sleep'])[1 + mod(abs(hashint4(n + 2)), 6)],
  repeat('One thing leads to another, and the wheel goes round. ', 1 + mod(abs(hashint4(n + 3)), 6)),
  (array['art', 'books', 'cities', 'food', 'games', 'health', 'music', 'nature', 'science', 'travel'])[1 + mod(abs(hashint4(n + 4)), 10)],
  mod(n, 10) <> 3, -- one in ten is a draft
  mod(abs(hashint4(n + 5)), 1000),
  timestamptz '2025-01-01 00:00:00Z' + n * interval '4 minutes'
from generate_series(1, 100000) n;

insert into comments (id, post_id, author_id, body, created_at)
select md5('comment ' || n)::uuid,
  md5('post ' || 1 + mod(abs(hashint4(n)), 100000))::uuid,
  md5('user ' || 1 + mod(abs(hashint4(n + 6)), 10000))::uuid,
  (array['I had not seen it that way.', 'Is there a second part?', 'Mine came out quite different, and better.',
    'The third paragraph says it all.', 'Who else has tried this?', 'Thank you!'])[1 + mod(abs(hashint4(n + 7)), 6)],
  timestamptz '2025-11-01 00:00:00Z' + n * interval '10 seconds'
from generate_series(1, 500000) n;
