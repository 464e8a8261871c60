/**
 * The application that a Millrace serves: what its Prisma schema, its rules and its own fields come to. Made as a whole
 * or not at all, so that a mistake leaves the one before it in service.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { GraphQLSchema } from 'graphql';
import type { ExplainConfig, GraphqlConfig } from './config/config.ts';
import { processEnvironment, withDotEnv } from './config/env.ts';
import { describeApi } from './data/api/api-model.ts';
import type { Datamodel } from './data/model/datamodel.ts';
import { readDatamodel } from './data/model/read-datamodel.ts';
import { readSchemaFiles, type SchemaFile } from './data/model/schema-files.ts';
import { createReads, type Reads } from './data/reads.ts';
import { probeRules } from './data/rules/probe-rules.ts';
import { checkRuleSet, type RuleSet } from './data/rules/rule-set.ts';
import { createQuickWrites, type QuickWrites } from './data/writes/quick-writes.ts';
import { StartupError } from './errors.ts';
import { type ListedOperations, readListedOperations } from './graphql/listed-operations.ts';
import { buildSchema, type SchemaExtension } from './graphql/schema.ts';
import type { AccountsDefinition, AccountsSource } from './modules/auth/define-accounts.ts';
import { type AccountsPlan, accountsIn, planAccounts } from './modules/auth/plan.ts';
import {
  type CollectionSet,
  compileCollections,
  documentFile,
  documentModel,
  type PathIndex,
} from './modules/documents/collections.ts';

/** Everything that follows from the application's files. */
export interface Application {
  files: readonly SchemaFile[];
  datamodel: Datamodel;
  rules: RuleSet;
  schema: GraphQLSchema;
  /** Parts of documents that are indexed; undefined where there are no documents. */
  documentIndexes: readonly PathIndex[] | undefined;
  reads: Reads;
  quickWrites: QuickWrites;
  /** What accounts go by, where the project has them. */
  accounts: AccountsPlan | undefined;
  /** The operations that clients may name, where there is a list of them. */
  listed?: ListedOperations;
  /** What whoever develops it should know: models without rules, fields that the API leaves out. */
  notices: readonly string[];
}

/** What an application is made of, as it was read. */
export interface Sources {
  files: readonly SchemaFile[];
  rules: RuleSet;
  collections?: CollectionSet;
  /** What app/accounts.ts says; undefined where there is none. */
  accounts?: AccountsDefinition;
  extend?: SchemaExtension;
}

/** Loads a module of the application; a reload must not meet the one that was loaded before. */
export type ModuleLoader = (url: string) => Promise<unknown>;

/** Reads `prisma/`, `app/rules.ts`, `app/documents.ts` and `app/schema.ts` of a project. Without rules everything is closed to all but the admin role. */
export async function readSources(root: string, load: ModuleLoader = (url) => import(url)): Promise<Sources> {
  const files = await readSchemaFiles(root);
  const rules = (await loadDefault(root, 'app/rules.ts', load)) as RuleSet | undefined;
  const collections = (await loadDefault(root, 'app/documents.ts', load)) as CollectionSet | undefined;
  const extend = (await loadDefault(root, 'app/schema.ts', load)) as SchemaExtension | undefined;
  const describe = (await loadDefault(root, 'app/accounts.ts', load)) as AccountsSource | undefined;
  const accounts = describe?.({ env: withDotEnv(root, processEnvironment()) });
  return { files, rules: rules ?? {}, collections, extend, accounts };
}

async function loadDefault(root: string, name: string, load: ModuleLoader): Promise<unknown> {
  const file = path.join(root, name);
  if (!existsSync(file)) return undefined;
  let module: { default?: unknown };
  try {
    module = (await load(pathToFileURL(file).href)) as { default?: unknown };
  } catch (error) {
    throw new StartupError(`${name} could not be loaded: ${describeFault(error, root)}`, `correct ${name}`, {
      cause: error,
    });
  }
  if (module.default === undefined) {
    throw new StartupError(`${name} has no default export`, `write \`export default …\` in ${name}`);
  }
  return module.default;
}

/** The first words of an error and the first place of the project in its stack. */
function describeFault(error: unknown, root: string): string {
  if (!(error instanceof Error)) return String(error);
  const places = (error.stack ?? '').split(`${root}/`).slice(1);
  const place = places.map((text) => text.match(/^app\/[^):]*:\d+(?::\d+)?/)?.[0]).find(Boolean);
  const message = error.message.replaceAll(`${root}/`, '').trim();
  return place && !message.includes(place) ? `${message} (${place})` : message;
}

/**
 * Makes an application of its sources.
 * @throws StartupError for every mistake in them: an invalid schema, rules that do not fit it, names that collide
 */
export function createApplication(
  sources: Sources,
  config: Pick<GraphqlConfig, 'limits' | 'planCacheSize' | 'persisted'> & Partial<Pick<GraphqlConfig, 'explain'>>,
  defaultSchema?: string,
): Application {
  const datamodel = readDatamodel(sources.files, defaultSchema);
  if (datamodel.models.size === 0) {
    throw new StartupError('there is no model in prisma/*.prisma', 'write your models into prisma/app.prisma');
  }
  checkRuleSet(sources.rules, datamodel);
  const documents = documentsOf(sources);
  const { isServed: hasAccounts, rules: platformRules, notice } = accountsIn(sources, datamodel);
  const rules = { ...platformRules, ...sources.rules, ...documents?.rules };
  const api = describeApi(datamodel, rules, documents?.policies);
  probeRules(sources.rules, api, datamodel);
  probeRules(platformRules, api, datamodel, 'prisma/platform');
  const { adminRole } = config.explain ?? closed;
  const accounts = hasAccounts ? planAccounts(sources.accounts ?? {}, { api, datamodel, adminRole }) : undefined;
  probeRules(documents?.rules ?? {}, api, datamodel, 'app/documents.ts');
  const schema = buildSchema(api, { ...sources, hasAccounts }, { ...(config.explain ?? closed), rules });
  const cursorSecret = config.limits.cursorSecret ?? randomBytes(32).toString('base64url');
  const limits = { ...config.limits, cursorSecret };
  const reads = createReads({ api, datamodel, limits, size: config.planCacheSize });
  const quickWrites = createQuickWrites({ api, datamodel, limits: reads.limits, size: config.planCacheSize });
  const listed = config.persisted && readListedOperations(config.persisted.file, schema, config.limits);
  const notices = [...notice, ...noticesOf(datamodel, documents ? { [documentModel]: {}, ...rules } : rules)];
  const { files } = sources;
  const documentIndexes = documents?.indexes;
  return { files, datamodel, rules, schema, documentIndexes, reads, quickWrites, accounts, listed, notices };
}

/** Of an application that is only looked at nothing is explained. */
const closed: ExplainConfig = { isOpen: false, adminRole: '' };

/** What is said of documents, in a project whose model they are the platform's; undefined in others. */
function documentsOf({ files, rules, collections }: Sources) {
  if (!files.some((file) => file.path === documentFile)) {
    if (!collections) return undefined;
    throw new StartupError(
      `app/documents.ts speaks of documents, whose model is not there: ${documentFile}`,
      `bring ${documentFile} back, or delete app/documents.ts`,
    );
  }
  if (collections && rules[documentModel]) {
    throw new StartupError(
      `the rules of ${documentModel} are said twice: in app/rules.ts and in app/documents.ts`,
      `say them by collection in app/documents.ts alone, or delete that file`,
    );
  }
  const { rules: own, policy, indexes } = compileCollections(collections ?? {});
  return {
    rules: collections ? { [documentModel]: own } : {},
    policies: new Map([[documentModel, policy]]),
    indexes,
  };
}

function noticesOf({ models }: Datamodel, rules: RuleSet): string[] {
  const leftOut = [...models.values()].flatMap((m) => m.unsupported.map(({ name }) => `${m.name}.${name}`));
  const unruled = [...models.keys()].filter((name) => rules[name] === undefined);
  return [
    ...(unruled.length > 0 ? [`without rules, so open to the admin role alone: ${enumerate(unruled)}`] : []),
    ...(leftOut.length > 0 ? [`left out of the API, for Prisma has no type for it: ${enumerate(leftOut)}`] : []),
  ];
}

/** The first names of a list, and how many more there are. */
export function enumerate(names: readonly string[], shown = 5): string {
  const rest = names.length - shown;
  return names.slice(0, shown).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
