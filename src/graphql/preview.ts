/** `@preview`: a mutation that is done and taken back, to see what it would come to. */
import { DirectiveLocation, type ExecutionResult, GraphQLDirective, type OperationDefinitionNode } from 'graphql';
import type { Judgment } from '../data/rules/judgment.ts';

/** Takes a mutation back when it is done. */
export const previewDirective = new GraphQLDirective({
  name: 'preview',
  description:
    'Nothing of this mutation is kept. It is answered as it would be, and `extensions.preview.rules` lists the rules that were asked: of which row (`path` in the field and its arguments), what was to be done with it, and whether that is allowed.',
  locations: [DirectiveLocation.MUTATION],
});

/** Whether an operation is to be taken back. */
export const isPreview = ({ directives }: OperationDefinitionNode): boolean =>
  directives?.some(({ name }) => name.value === previewDirective.name) ?? false;

/** The judgments of a root field, with paths from the operation on. */
export const below = (key: string, judged: readonly Judgment[]): Judgment[] =>
  judged.map((judgment) => ({ ...judgment, path: `${key}.${judgment.path}` }));

/** A result with the judgments that it came by. */
export const withRules = (result: ExecutionResult, rules: readonly Judgment[]): ExecutionResult => ({
  ...result,
  extensions: { ...result.extensions, preview: { rules } },
});
