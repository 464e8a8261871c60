import { ask } from '../../support/postgres.ts';
import type { ReadRow } from './reads.ts';
import type { World } from './world.ts';
import type { WriteRow } from './writes.ts';

/** Cursors are base64 of what rows are ordered by: looked into as well. */
function opened(text: string): string {
  const cursors = [...text.matchAll(/"(Wy[A-Za-z0-9+/=]+)"/g)].map(([, cursor]) =>
    Buffer.from(cursor!, 'base64').toString(),
  );
  return [text, ...cursors].join('\n');
}

/** Somebody's answer as it was sent, without blanks between its parts, and what its cursors hold. */
async function answerTo(world: World, who: ReadRow['as'], query: string): Promise<string> {
  const text = await (await world.as(who).post({ query })).text();
  const answer: unknown = JSON.parse(text);
  // @NOTE a statement that PostgreSQL refuses tells nothing, and must not pass for something that is not told.
  if (/"INTERNAL"/.test(text)) throw new Error(`${query} fails: ${text}`);
  return opened(JSON.stringify(answer));
}

const told = (text: string, words: readonly string[]) => words.filter((word) => text.includes(word));
const untold = (text: string, words: readonly string[]) => words.filter((word) => !text.includes(word));

/** What an answer gives away; undefined where all is well. The admin asks first, so that what is kept of that could be told to others. */
export async function leakOfRead(world: World, { as, query, hides, shows }: ReadRow): Promise<string | undefined> {
  const all = await answerTo(world, 'the admin', query);
  const blunt = hides.length > 0 ? untold(all, hides) : told(all, shows);
  if (blunt.length > 0 || shows.length === 0) throw new Error(`${query} cannot fail by ${blunt}: ${all}`);
  const text = await answerTo(world, as, query);
  const wrong = [...told(text, hides), ...untold(text, shows)];
  return wrong.length > 0 ? `${as} learns of ${wrong.join(', ')} by ${query}: ${text}` : undefined;
}

/** What a write gives away, or does though it may not; undefined where all is well. */
export async function leakOfWrite(world: World, row: WriteRow): Promise<string | undefined> {
  const { as, write, hides = [], shows, alike, leaves } = row;
  const attempt = async (who: WriteRow['as'], name = '') => {
    await world.reset();
    return answerTo(world, who, write.replaceAll('$this', name));
  };
  const text = await attempt(as, alike?.[0]);
  const wrong = [...told(text, hides), ...untold(text, shows)];
  if (wrong.length > 0) return `${as} learns of ${wrong.join(', ')} by ${write}: ${text}`;
  if (leaves) {
    const stored = JSON.stringify(await ask(world.server.databaseUrl, leaves[0]));
    if (stored.includes(`"${leaves[1]}"`)) return `${as} did what they may not by ${write}: ${stored}`;
  }
  if (!alike) return undefined;
  const other = await attempt(as, alike[1]);
  if (other !== text) return `${as} tells hidden from absent by ${write}: ${text} and ${other}`;
  if ((await attempt('the admin', alike[0])) === text) throw new Error(`${write} cannot fail: the admin gets ${text}`);
  return undefined;
}
