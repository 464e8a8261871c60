/** The same value without one of its parts, for each part at any depth, greater parts first. */
function* smaller(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  for (const key of Object.keys(value)) {
    if (isList) yield value.filter((_, i) => String(i) !== key);
    else yield Object.fromEntries(Object.entries(value).filter(([k]) => k !== key));
  }
  for (const [key, part] of Object.entries(value)) {
    for (const less of smaller(part)) {
      yield isList ? value.map((v, i) => (String(i) === key ? less : v)) : { ...value, [key]: less };
    }
  }
}

/** The smallest value found by leaving parts out for which the same still holds. */
export async function shrink<T>(value: T, holds: (value: T) => Promise<boolean>): Promise<T> {
  for (const less of smaller(value)) {
    if (await holds(less as T)) return shrink(less as T, holds);
  }
  return value;
}
