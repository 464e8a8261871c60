import type { Api } from '../../data/api/api-model.ts';
import type { Builder } from '../../graphql/builder.ts';
import { keyFields } from './admin/key-fields.ts';
import { apiKeyFields } from './api-keys/fields.ts';
import { deviceFields } from './devices/fields.ts';
import { factorFields } from './factors/fields.ts';
import { sharedTypes } from './fields.ts';
import { guestFields } from './guests/fields.ts';
import { mailFields } from './mail/fields.ts';
import { oauthFields } from './oauth/fields.ts';
import { ownFields } from './own/fields.ts';
import { passkeyFields } from './passkeys/fields.ts';
import { passwordFields } from './password/fields.ts';
import { sessionFields } from './sessions/fields.ts';
import { totpFields } from './totp/fields.ts';

/** Adds everything that accounts can do: one room's fields after the other's. */
export function accountsSchema(builder: Builder, api: Api): void {
  const { typeName } = api;
  const types = sharedTypes(builder, typeName);
  const fields = { types, typeName };
  ownFields(builder, typeName);
  sessionFields(builder, fields);
  passwordFields(builder, fields);
  guestFields(builder, fields);
  apiKeyFields(builder, fields);
  deviceFields(builder, fields);
  keyFields(builder, fields);
  mailFields(builder, fields);
  factorFields(builder, fields);
  totpFields(builder, fields);
  passkeyFields(builder, fields);
  oauthFields(builder, fields);
}
