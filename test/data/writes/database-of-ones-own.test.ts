import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSchemaServer } from '../../support/schema-server.ts';
import type { TestServer } from '../../support/server.ts';

/** As Prisma reads it from a database that does more than Prisma knows. */
const schema = `
model Order {
  id       Int  @id @default(autoincrement())
  price    Int
  quantity Int
  total    Int? @default(dbgenerated())
}
`;

const database = `
ALTER TABLE "Order" DROP COLUMN total;
ALTER TABLE "Order" ADD COLUMN total int GENERATED ALWAYS AS (price * quantity) STORED;
CREATE FUNCTION refuse_haggling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.price < 0 THEN RAISE EXCEPTION 'no haggling with %', current_user; END IF;
  RETURN new;
END $$;
CREATE TRIGGER refuse_haggling BEFORE INSERT OR UPDATE ON "Order" FOR EACH ROW EXECUTE FUNCTION refuse_haggling();
`;

describe('a database that computes columns and has rules of its own', () => {
  let server: TestServer;
  const create = (data: string) =>
    server
      .as({ role: 'admin' })
      .query(`mutation { createOrder(data: { price: 3, quantity: 2, ${data} }) { id total } }`);

  beforeAll(async () => {
    server = await startSchemaServer({ schema, rules: {}, rows: database });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('shows what it computes', async () => {
    expect(await create('')).toEqual({ data: { createOrder: { id: 1, total: 6 } } });
  });

  it('refuses a value for a computed column as an input of the client’s, not as a fault of ours', async () => {
    const { errors } = await create('total: 7');
    expect(errors).toMatchObject([
      {
        message: expect.stringContaining('the database makes one of these values by itself'),
        extensions: { code: 'INVALID_INPUT' },
      },
    ]);
  });

  it('refuses what a trigger refuses, and keeps the trigger’s words to itself', async () => {
    const answer = await server
      .as({ role: 'admin' })
      .query('mutation { updateOrder(where: { id: 1 }, data: { price: -1 }) { id } }');
    expect(answer.errors).toMatchObject([
      {
        message: expect.stringContaining('the database does not accept this'),
        extensions: { code: 'INVALID_INPUT' },
      },
    ]);
    expect(JSON.stringify(answer)).not.toMatch(/haggling/);
  });
});
