import { defineSchema } from 'millrace/schema';
import { displayNameOf } from '../display-name.ts';

export default defineSchema(({ dataField }) => {
  dataField('User', 'displayName', ['name'], (t) =>
    t.string({ nullable: true, resolve: ({ name }) => name && displayNameOf(name) }),
  );
});
