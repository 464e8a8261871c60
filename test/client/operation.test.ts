import { describe, expect, it } from 'vitest';
import { readOperation } from '../../client/operation.ts';

describe('the header of an operation', () => {
  it.each<[string, string | undefined, string, string[], boolean]>([
    ['{ a }', undefined, 'query', [], false],
    ['subscription ($after: String) { a(after: $after) { b } }', undefined, 'subscription', ['after'], false],
    ['fragment F on T { query @live } subscription S { ...F }', undefined, 'subscription', [], false],
    [
      'query A { a } mutation B($x: In = {y: {z: ")"}}, $w: Int) @d(a: {b: 1}) { b }',
      'B',
      'mutation',
      ['x', 'w'],
      false,
    ],
    ['# subscription {\nquery "@live" ($a: Int) @live(if: $b) { a }', undefined, 'query', ['a', 'b'], true],
    ['query A @live { a } query B { a @live }', 'B', 'query', [], false],
    ['query A { a(text: """ " } @live { """) } query B @live { a }', 'B', 'query', [], true],
    ['subscription S { a }', 'T', 'query', [], false],
    ['}} )) ((', undefined, 'query', [], false],
  ])('is read from %j', (query, operationName, type, variables, isLive) => {
    expect(readOperation({ query, operationName })).toEqual({ type, variables: new Set(variables), isLive });
  });
});
