FROM node:22-bookworm-slim AS build
WORKDIR /quipu
COPY package.json package-lock.json tsconfig.json LICENSE ./
COPY src src
COPY test test
COPY bench bench
COPY conformance conformance
RUN npm ci && npm prune --omit=dev

FROM node:22-bookworm-slim
WORKDIR /quipu
# With an arena for each of its threads glibc keeps some 50 MB more that nobody uses.
ENV NODE_ENV=production QUIPU_HOST=0.0.0.0 QUIPU_DATA_DIR=/data MALLOC_ARENA_MAX=2
COPY --from=build /quipu/package.json /quipu/LICENSE* ./
COPY --from=build /quipu/node_modules node_modules
COPY --from=build /quipu/dist/src dist/src
COPY --from=build /quipu/src/cmi5/console src/cmi5/console
COPY --from=build /quipu/src/cmi5/course src/cmi5/course
COPY --from=build /quipu/src/query/console src/query/console
COPY --from=build /quipu/src/query/migrations src/query/migrations
COPY --from=build /quipu/src/query/summaries src/query/summaries
COPY --from=build /quipu/src/query/views src/query/views
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.QUIPU_PORT || 8080}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]
