import type { CodegenConfig } from '@graphql-codegen/cli';

/** Typed documents of the API, for clients and for the tests that are written as a client's are. */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['test/acceptance/**/*.ts', 'test/client/**/*.ts', 'examples/**/*.ts'],
  ignoreNoDocuments: true,
  importExtension: '.ts',
  generates: {
    'test/generated/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false, persistedDocuments: true },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          BigInt: 'string',
          Decimal: 'string',
          DateTime: 'string',
          Date: 'string',
          Time: 'string',
          Bytes: 'string',
          JSON: 'unknown',
        },
      },
    },
  },
};

export default config;
