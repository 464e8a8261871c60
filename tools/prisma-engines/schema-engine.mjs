#!/usr/bin/env node
// The program that Prisma's command line starts as its schema engine.
import 'tsx';

const { serveSchemaEngine } = await import('../../src/platform/migrations/engine-server.ts');
process.exitCode = await serveSchemaEngine(process.argv.slice(2));
