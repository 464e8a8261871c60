/** What `prisma dev` would start. */
export async function startPrismaDevServer() {
  throw new Error('`prisma dev` is not needed here: Millrace brings PostgreSQL itself. Run `npm run dev`.');
}
