import type { Api } from '../../data/api/api-model.ts';
import type { Builder } from '../../graphql/builder.ts';
import { adminFields } from './admin/fields.ts';
import { sharedTypes } from './fields.ts';
import { guestFields } from './guests/fields.ts';
import { organizationFields } from './organizations/fields.ts';
import { ownFields } from './own/fields.ts';
import { sessionFields } from './sessions/fields.ts';

/** Adds everything that accounts can do: one room's fields after the other's. */
export function accountsSchema(builder: Builder, api: Api, hasOrganizations: boolean): void {
  const { typeName } = api;
  const types = sharedTypes(builder, typeName);
  const fields = { types, typeName };
  ownFields(builder, typeName);
  sessionFields(builder, fields);
  guestFields(builder, fields);
  adminFields(builder, fields);
  if (hasOrganizations) organizationFields(builder, fields);
}
