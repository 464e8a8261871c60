#!/usr/bin/env node
// The sources are TypeScript and run as they are: tsx strips the types, on every supported Node alike.
import { register } from 'tsx/esm/api';

register();
const { runCommandLine } = await import('../src/cli/main.ts');
process.exitCode = await runCommandLine(process.argv);
// @NOTE what failed may leave something to wait for: a library's timer kept a refused migration from ending for a minute.
if (process.exitCode !== 0) process.exit();
