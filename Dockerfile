# fastcache in an image (docs/kubernetes.md, "The image"): built with tools, run without them, as user 65532, on a
# root that may be read-only. /data is for files that must survive a restart.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:${NODE_VERSION}-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/package.json /src/oclif.manifest.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY --from=build /src/bin/run.js /src/bin/ping.js ./bin/
RUN ln -s /app/bin/run.js /usr/local/bin/fastcache \
  && chmod 755 /app/bin/run.js \
  && install -d -o 65532 -g 65532 /data
USER 65532:65532
VOLUME /data
EXPOSE 6379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=15s CMD ["node", "/app/bin/ping.js"]
ENTRYPOINT ["node", "/app/bin/run.js"]
CMD ["serve", "--listen", "0.0.0.0:6379", "--insecure"]
