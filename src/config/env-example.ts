import { variables } from './env.ts';
import type { Variable } from './variable.ts';

/** The text of `.env.example`: every variable with its meaning, commented out at its default. */
export function printEnvExample(): string {
  const lines = [
    '# Every setting of Millrace, at its default. Copy this file to .env and uncomment what you change;',
    '# the real environment wins over .env. Made by `npx millrace env`.',
  ];
  for (const [section, table] of Object.entries(variables)) {
    lines.push('', `## ${section}`);
    for (const [name, variable] of Object.entries<Variable>(table)) {
      lines.push('', ...describeVariable(name, variable));
    }
  }
  return `${lines.join('\n')}\n`;
}

function describeVariable(name: string, variable: Variable): string[] {
  const { default: preset, prose, expects, example } = variable;
  if (typeof preset === 'object') {
    const modes = `${preset.development} in development, ${preset.production} in production`;
    return [`# ${prose} ${modes}.`, `# Expected: ${expects}.`, `# ${name}=${preset.development}`];
  }
  return [`# ${prose}`, `# Expected: ${expects}.`, `# ${name}=${preset ?? example ?? ''}`];
}
