/** A name as it stands on a list, "Lovelace, A.": the field that every peer works out by a function of its own. */
export function displayNameOf(name: string): string {
  const words = name.split(' ');
  const last = words.pop()!;
  return `${last}, ${words.map((word) => `${word.charAt(0)}.`).join(' ')}`;
}
