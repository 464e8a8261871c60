#!/usr/bin/env node
// The sources are TypeScript and run as they are: tsx strips the types, on every supported Node alike.
import { register } from 'tsx/esm/api';

register();
const { runCommandLine } = await import('../src/cli/main.ts');
process.exitCode = await runCommandLine(process.argv);
