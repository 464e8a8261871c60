import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/** How much one document may ask for. */
export interface DocumentLimits {
  /** Levels of fields. */
  depth: number;
  /** Aliases in one operation, each counted as often as its fragment is used. */
  aliases: number;
}

interface Measure {
  depth: number;
  aliases: number;
  fields: number;
}

/** Characters of an alias: PostgreSQL cuts longer names, and two of them could become one. */
const maxKeyLength = 63;

/** Fields in one operation, with fragments opened; far above any honest document. */
const maxFields = 5000;

/** Pairs of fields that GraphQL's rule on merging fields may have to compare, in one document. */
const maxPairs = 10_000;

/** Selections that are looked at to count those pairs: each as often as its fragment is used. */
const maxSelections = 20_000;

/**
 * A validation rule that refuses documents whose fields stand in each other's place too often: GraphQL's own rule compares
 * each of them with each, before it looks at anything else. To be asked before that one.
 */
export const mergingRule: ValidationRule = (context: ValidationContext): ASTVisitor => ({
  Document(document) {
    let selections = 0;
    let pairs = 0;
    const isTooMuch = () => selections > maxSelections || pairs > maxPairs;
    const collect = (set: SelectionSetNode, inside: readonly string[], into: Map<string, SelectionSetNode[]>): void => {
      for (const selection of set.selections) {
        selections += 1;
        if (isTooMuch()) return;
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          const known = into.get(key) ?? [];
          into.set(key, known);
          known.push(selection.selectionSet ?? emptySet);
          pairs += known.length > 1 ? known.length : 0;
        } else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet, inside, into);
        else {
          const name = selection.name.value;
          const fragment = inside.includes(name) ? undefined : context.getFragment(name);
          if (fragment) collect(fragment.selectionSet, [...inside, name], into);
        }
      }
    };
    const count = (sets: readonly SelectionSetNode[], inside: readonly string[], depth: number): void => {
      const fields = new Map<string, SelectionSetNode[]>();
      for (const set of sets) collect(set, inside, fields);
      // What is deeper is refused by its depth.
      for (const below of fields.values()) if (!isTooMuch() && depth < maxDepth) count(below, inside, depth + 1);
    };
    for (const definition of document.definitions)
      if ('selectionSet' in definition && !isTooMuch()) count([definition.selectionSet], [], 0);
    if (isTooMuch())
      context.reportError(new GraphQLError('the document is too complex: it asks for the same again and again'));
    return false;
  },
});

const maxDepth = 1000;

const emptySet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [] };

/**
 * A validation rule that refuses documents that are too deep or too wide. Fragments are measured once each, so a chain of
 * them that doubles at every step costs no more than its text; one that contains itself is left to GraphQL's own rule.
 */
export const limitsRule =
  (limits: DocumentLimits): ValidationRule =>
  (context: ValidationContext): ASTVisitor => {
    const measured = new Map<string, Measure>();
    const isIntrospection = (name: string) => name === '__schema' || name === '__type';

    const measureFragment = (fragment: FragmentDefinitionNode): Measure => {
      const name = fragment.name.value;
      const known = measured.get(name);
      if (known) return known;
      measured.set(name, { depth: 0, aliases: 0, fields: 0 });
      const measure = measureSet(fragment.selectionSet);
      measured.set(name, measure);
      return measure;
    };
    const measureSet = (set: SelectionSetNode | undefined): Measure => {
      const total: Measure = { depth: 0, aliases: 0, fields: 0 };
      for (const selection of set?.selections ?? []) {
        let part: Measure;
        if (selection.kind === Kind.FIELD) {
          const below = isIntrospection(selection.name.value)
            ? { depth: 0, aliases: 0, fields: 0 }
            : measureSet(selection.selectionSet);
          part = {
            depth: below.depth + 1,
            aliases: below.aliases + (selection.alias ? 1 : 0),
            fields: below.fields + 1,
          };
        } else if (selection.kind === Kind.INLINE_FRAGMENT) part = measureSet(selection.selectionSet);
        else {
          const fragment = context.getFragment(selection.name.value);
          part = fragment ? measureFragment(fragment) : { depth: 0, aliases: 0, fields: 0 };
        }
        total.depth = Math.max(total.depth, part.depth);
        total.aliases += part.aliases;
        total.fields += part.fields;
      }
      return total;
    };

    return {
      Field({ alias }) {
        if (!alias || alias.value.length <= maxKeyLength) return;
        const message = `the alias ${alias.value.slice(0, 20)}… is longer than ${maxKeyLength} characters`;
        context.reportError(new GraphQLError(message, { nodes: alias }));
      },
      OperationDefinition(node) {
        const { depth, aliases, fields } = measureSet(node.selectionSet);
        const refuse = (what: string) =>
          context.reportError(new GraphQLError(`the operation ${what}`, { nodes: node }));
        if (depth > limits.depth) refuse(`is ${depth} levels deep; at most ${limits.depth} are allowed`);
        if (aliases > limits.aliases) refuse(`has more than ${limits.aliases} aliases`);
        if (fields > maxFields) refuse(`asks for more than ${maxFields} fields`);
      },
    };
  };
