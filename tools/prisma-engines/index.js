'use strict';
// Loaded by Prisma's command line in place of the package that downloads a schema engine.
const path = require('node:path');

// The command line asks these variables first. The second one keeps it from asking its makers for updates.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= path.join(__dirname, 'schema-engine.mjs');
process.env.CHECKPOINT_DISABLE ??= '1';

/** The version of the engine, as its package is named after it. */
exports.enginesVersion = require(path.join(path.dirname(require.resolve('@prisma/schema-engine-wasm')), 'package.json'))
  .version.split('.')
  .at(-1);

/** Where engines lie. */
exports.getEnginesPath = () => __dirname;

/** Nothing is needed that npm has not brought. */
exports.ensureNeededBinariesExist = async () => {};
