/**
 * What of a mutation is refused for its form alone, whatever rows there are: fields that are never set, and values that no row can
 * have. It is looked for everywhere in it, in what may turn out not to be done as well.
 */
import { Refusal, shapeIn } from './memory.ts';
import type { Data, Write } from './rows.ts';
import { keyHolder, type Link, type WriteRules } from './shape.ts';

/** A part of a mutation that speaks of a row. */
interface Part {
  model: string;
  data: Data;
  isNew: boolean;
  /** The relation and the key that the write around sets. */
  around?: { relation: string; column: string };
}

/** @throws Refusal for the first closed field, or else for the first value that is wrong */
export function checkForms(write: Write, model: string, args: Data): void {
  const parts = [
    ...listOf(args.data).flatMap((data) => partsIn(write, { model, data, isNew: isNewRow(args) })),
    ...listOf(args.create).flatMap((data) => partsIn(write, { model, data, isNew: true })),
    ...listOf(args.update).flatMap((data) => partsIn(write, { model, data, isNew: false })),
  ];
  for (const part of parts) refuseClosed(write, part);
  for (const part of parts) refuseWrong(write, part);
}

/** New rows are named by nothing. */
const isNewRow = (args: Data): boolean => !('where' in args);

const listOf = (value: unknown): Data[] => (value === undefined ? [] : [value].flat()) as Data[];

function partsIn(write: Write, part: Part): Part[] {
  const { links } = shapeIn(write.memory, part.model);
  const below = Object.entries(links).flatMap(([name, link]) => {
    const of = (data: Data, isNew: boolean) =>
      partsIn(write, { model: link.to, data, isNew, ...(isNew && { around: aroundOf(write, link) }) });
    const { create, createMany, connectOrCreate, update, updateMany, upsert } = (part.data[name] ?? {}) as Data;
    const isList = link.kind === 'join' || (link.kind === 'foreign' && link.isList);
    return [
      ...[create, (createMany as Data | undefined)?.data].flatMap(listOf).flatMap((data) => of(data, true)),
      ...[connectOrCreate, upsert].flatMap(listOf).flatMap((item) => of(item.create as Data, true)),
      ...listOf(update).flatMap((item) => of(isList ? (item.data as Data) : item, false)),
      ...listOf(updateMany).flatMap((item) => of(item.data as Data, false)),
      ...listOf(upsert).flatMap((item) => of(item.update as Data, false)),
    ];
  });
  return [part, ...below];
}

const aroundOf = ({ memory }: Write, link: Link): Part['around'] =>
  link.kind === 'foreign' ? { relation: link.inverse, column: keyHolder(memory.world.schema, link).local } : undefined;

const setters = ['create', 'connect', 'connectOrCreate', 'disconnect', 'delete'];
const reckoning = /^_(increment|decrement|multiply|divide|push)$/;

/** Columns that a part sets, also by relations whose key they are. */
function columnsIn(write: Write, { model, data }: Part): Set<string> {
  const { columns, links } = shapeIn(write.memory, model);
  return new Set(
    Object.entries(data).flatMap(([name, value]) => {
      if (name in columns) return [name];
      if (reckoning.test(name)) return Object.keys(value as Data);
      const link = links[name];
      return link?.kind === 'own' && setters.some((setter) => setter in (value as Data)) ? [link.local] : [];
    }),
  );
}

function refuseClosed(write: Write, part: Part): void {
  const { memory, viewer } = write;
  if (viewer.isAdmin) return;
  for (const column of columnsIn(write, part)) {
    const rule = memory.world.rules[part.model]?.fields?.[column]?.write ?? true;
    if ((typeof rule === 'function' ? rule(viewer) : rule) === false) {
      throw new Refusal('FORBIDDEN', `${part.model}.${column} is never written`);
    }
  }
}

function refuseWrong(write: Write, part: Part): void {
  const { model, data, isNew, around } = part;
  const { columns, nullable, defaults } = shapeIn(write.memory, model);
  const wrong = (why: string) => new Refusal('INVALID_INPUT', `${model}: ${why}`);
  for (const [name, value] of Object.entries(data)) {
    if (around && (name === around.relation || name === around.column)) throw wrong(`${name} is set around it`);
    if (value === null && columns[name] !== 'list' && !nullable.has(name)) throw wrong(`${name} must not be null`);
    if (name === '_divide' && Object.values(value as Data).includes(0)) throw wrong('division by zero');
  }
  if (!isNew) return;
  const given = columnsIn(write, part);
  const byRule = (write.memory.world.rules[model] as WriteRules | undefined)?.defaults ?? {};
  const filling = (name: string) => {
    const value = byRule[name];
    return (typeof value === 'function' ? value(write.viewer) : value) ?? defaults[name];
  };
  const lacking = Object.keys(columns).find(
    (name) => !nullable.has(name) && !given.has(name) && name !== around?.column && filling(name) === undefined,
  );
  if (lacking) throw wrong(`${lacking} is required`);
}
