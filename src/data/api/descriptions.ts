import { humanize, underscore } from 'inflection';
import type { Field } from '../model/datamodel.ts';

/** What the manual says of a field: its `///` comment, or what its declaration says by itself. */
export function describe(field: Field): string {
  if (field.kind === 'relation') return field.documentation ?? sentence(field.name);
  const { refersTo, documentation } = field;
  const said = documentation ?? (refersTo ? `The key of a ${words(refersTo).toLowerCase()}.` : sentence(field.name));
  return [said, ...limits(field)].join(' ');
}

/** A name as a sentence: `dueAt` → "Due at." */
export const sentence = (name: string): string => `${words(name)}.`;

const words = (name: string): string => humanize(underscore(name));

function limits(field: Extract<Field, { kind: 'column' }>): string[] {
  const [size, scale] = field.nativeArgs;
  switch (field.nativeType) {
    case 'VarChar':
      return size ? [`At most ${size} characters.`] : [];
    case 'Char':
      return size ? [`${size} characters.`] : [];
    case 'Uuid':
      return ['A UUID.'];
    case 'Decimal':
      return size ? [`At most ${size} digits, ${scale ?? 0} of them after the point.`] : [];
    default:
      return [];
  }
}
