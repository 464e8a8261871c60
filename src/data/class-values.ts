/** The values of one class of viewers, each as PostgreSQL's text: equal lists are one class. */
export type ClassValues = readonly (string | null)[];

/** Several classes as PostgreSQL is told of them: an array of text, each class a JSON list. */
export type Classes = string;

/** Spells classes for PostgreSQL, each given as the JSON of its values. */
export const classesOf = (keys: readonly string[]): Classes => toText(keys)!;

/** Spells parameters as PostgreSQL reads them from text. */
export const classOf = (values: readonly unknown[]): ClassValues => values.map(toText);

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return `{${value.map(elementText).join(',')}}`;
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** @NOTE every element quoted: unquoted, `NULL` and an empty text would be something else. */
function elementText(value: unknown): string {
  if (Array.isArray(value)) return toText(value)!;
  const text = toText(value);
  return text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
