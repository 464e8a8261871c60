import { type Row, relatedRows, type Sight, shapeOf } from './world.ts';

/** What is selected of a row: columns, and of related rows in their turn. */
export interface Selection {
  readonly [field: string]: true | Selection;
}

/** What the API answers of a row in a sight: `{ totalCount, nodes }` of lists, in the order of their keys. */
export function answerOf(sight: Sight, model: string, row: Row, selection: Selection, own: Sight = sight): unknown {
  const { relations } = shapeOf(sight, model);
  const entries = Object.entries(selection).map(([name, selected]) => {
    if (selected === true) return [name, own.valueOf(model, row, name)];
    const relation = relations[name]!;
    const { key } = shapeOf(sight, relation.to);
    const others = relatedRows(sight, relation, row)
      .sort((a, b) => (key.map((k) => a[k]).join() < key.map((k) => b[k]).join() ? -1 : 1))
      .map((other) => answerOf(sight, relation.to, other, selected));
    return [name, relation.isList ? { totalCount: others.length, nodes: others } : (others[0] ?? null)];
  });
  return Object.fromEntries(entries);
}

/** The same selection in GraphQL. @param isList whether a field is a list of rows */
export function spellSelection(schema: Parameters<typeof shapeOf>[0], model: string, selection: Selection): string {
  const { relations } = shapeOf(schema, model);
  return Object.entries(selection)
    .map(([name, selected]) => {
      if (selected === true) return name;
      const { to, isList } = relations[name]!;
      const inner = spellSelection(schema, to, selected);
      return `${name} { ${isList ? `totalCount nodes { ${inner} }` : inner} }`;
    })
    .join(' ');
}
