import { Command, InvalidArgumentError } from 'commander';
import { StartupError } from '../errors.ts';
import { parseClaim } from './claims.ts';

interface TokenOptions {
  sub?: string;
  role?: string;
  claim?: Record<string, unknown>;
  expires?: number;
}

const examples = `
Examples:
  npx millrace token --sub ann
  npx millrace token --sub ann --role admin --expires 8h
  npx millrace token --sub ann --claim team=blue --claim workspaces='["w1","w2"]'
  curl -H "Authorization: Bearer $(npx millrace token --role admin)" …

A claim's value is read as JSON where it is JSON (5, true, ["a"], "5"), and as text otherwise.`;

/** `millrace token`: prints a token for one viewer, signed by the key of this directory. */
export function tokenCommand(): Command {
  return new Command('token')
    .summary('print an access token for a user or role')
    .description('Prints an access token, signed by this server’s key (made if there is none yet).')
    .option('-s, --sub <id>', 'who: the id that rules know as viewer.id')
    .option('-r, --role <role>', 'as what: a role, such as admin')
    .option('-c, --claim <key=value>', 'a further claim for rules to read; may be repeated', collectClaim)
    .option('-e, --expires <time>', 'for how long: 30s, 15m, 8h, 7d (default: 1h)', parseDuration)
    .addHelpText('after', examples)
    .action(printToken);
}

async function printToken({ sub, role, claim, expires }: TokenOptions): Promise<void> {
  // An empty one too: a shell's unset variable must not come out as somebody.
  if (!sub && !role) {
    throw new StartupError(
      'A token of nobody in particular proves nothing.',
      'Say who: --sub <id>, --role <role> or both.',
    );
  }
  const { readConfig } = await import('../config/config.ts');
  const { openTokens } = await import('../platform/tokens.ts');
  const { tokens } = readConfig();
  if (tokens.source.kind === 'jwks') {
    throw new StartupError(
      `Tokens are signed elsewhere: JWKS_URL is ${tokens.source.url}.`,
      'Get one from that issuer, or unset JWKS_URL to let this server sign its own.',
    );
  }
  const { mint } = await openTokens(tokens);
  process.stdout.write(
    `${await mint!({ sub: sub || undefined, role: role || undefined, claims: claim, expiresIn: expires })}\n`,
  );
}

function collectClaim(text: string, claims: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected key=value.');
  return { ...claims, [text.slice(0, at)]: parseClaim(text.slice(at + 1)) };
}

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 };

function parseDuration(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const duration = Number(amount) * seconds[unit as keyof typeof seconds];
  if (!(duration >= 1)) throw new InvalidArgumentError('Expected a time such as 30s, 15m, 8h or 7d.');
  return duration;
}
