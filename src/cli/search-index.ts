import { Command, Option } from 'commander';
import { defaultLanguage, type SearchLanguage, searchLanguages } from '../data/search-text.ts';

const examples = `
Examples:
  npx millrace search-index Task --fields title,body --language english
  npx millrace search-index Task --fuzzy title      also serves contains
  npx millrace search-index Task --fields title --fuzzy title --print

The migration is applied by the next start, or by npx prisma migrate deploy. An index serves searches that name the
same fields and the same language.`;

/** What the command is asked for. */
export interface SearchIndexOptions {
  fields?: string[];
  language: SearchLanguage;
  fuzzy?: string[];
  print?: boolean;
}

const names = (text: string): string[] => text.split(',').map((name) => name.trim());

/** `millrace search-index`: writes a migration that makes the indexes searches of a model need. */
export function searchIndexCommand(): Command {
  return new Command('search-index')
    .summary('write a migration that makes searches fast')
    .description('Writes a migration with the indexes for _search and similar, and the extension that similar needs.')
    .argument('<model>', 'a model, as prisma/ calls it')
    .addOption(new Option('-f, --fields <names>', 'fields that _search names, with commas between').argParser(names))
    .addOption(
      new Option('-l, --language <name>', 'language that _search names')
        .choices(searchLanguages)
        .default(defaultLanguage),
    )
    .addOption(new Option('-z, --fuzzy <names>', 'fields that similar is asked of').argParser(names))
    .option('-p, --print', 'print the SQL, and write nothing')
    .addHelpText('after', examples)
    .action(async (model: string, options: SearchIndexOptions) => {
      const { findProject } = await import('./project.ts');
      const { makeSearchIndex } = await import('./search-index/make-search-index.ts');
      await makeSearchIndex(findProject(), model, options);
    });
}
