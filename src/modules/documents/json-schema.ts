import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { FieldProblem } from '../../errors.ts';

/** What is wrong with a document, given as its JSON text; paths begin with `data`. */
export type Validate = (json: string) => FieldProblem[];

/** A longer text, in characters, is looked at up to its first problem: it could have a hundred thousand. */
const maxSearched = 50_000;
const maxProblems = 20;

// @NOTE misspelt keywords are mistakes; `ownProperties`, for no document has a `constructor` that it does not hold itself.
const options: Options = {
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  ownProperties: true,
  logger: false,
};

/** Makes a validator of a JSON Schema, draft 2020-12, with its formats; a sentence where that is impossible. */
export function compileJsonSchema(schema: object): Validate | string {
  if ('$async' in schema) return 'nobody waits for what is $async';
  let first: ValidateFunction;
  let all: ValidateFunction;
  try {
    [first, all] = [compile(schema, options), compile(schema, { ...options, allErrors: true })];
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return (json) => {
    const data: unknown = JSON.parse(json);
    const validate = json.length > maxSearched ? first : all;
    if (validate(data)) return [];
    return (validate.errors ?? []).slice(0, maxProblems).map(problemOf);
  };
}

function compile(schema: object, options: Options): ValidateFunction {
  const ajv = new Ajv2020(options);
  formats.default(ajv);
  return ajv.compile(schema);
}

function problemOf({ instancePath, keyword, params, message }: ErrorObject): FieldProblem {
  const at = ['data', ...instancePath.split('/').slice(1).map(unescapeKey)];
  if (keyword === 'required') return { path: [...at, params.missingProperty].join('.'), message: 'is required' };
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const name = params.additionalProperty ?? params.unevaluatedProperty;
    return { path: [...at, name].join('.'), message: 'is not allowed' };
  }
  return { path: at.join('.'), message: message ?? 'does not fit' };
}

/** A key in a JSON pointer (RFC 6901, section 4). */
const unescapeKey = (key: string): string => key.replaceAll('~1', '/').replaceAll('~0', '~');
