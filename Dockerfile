# A small image with the worker, in the ways of the images that people use for Kafka Connect:
# settings come from CONNECT_* variables (or those of Debezium's image), the REST API is on 8083.
FROM rust:1.95-slim-trixie AS build
# librdkafka is built from source.
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake g++ make perl pkg-config libssl-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /dovetail
COPY . .
ARG DOVETAIL_COMMIT=unknown
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/dovetail/target \
    DOVETAIL_COMMIT=$DOVETAIL_COMMIT cargo build --release --locked -p dovetail \
    && cp target/release/dovetail /usr/local/bin/dovetail

FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3t64 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 1000 --create-home dovetail
COPY --from=build /usr/local/bin/dovetail /usr/local/bin/dovetail
COPY runtime/dovetail/image/confluent-hub /usr/local/bin/confluent-hub
COPY runtime/dovetail/image/run /etc/confluent/docker/run
USER dovetail
WORKDIR /home/dovetail
EXPOSE 8083
# It fails while nothing answers, and while connectors cannot be listed.
HEALTHCHECK --interval=10s --timeout=25s --start-period=30s CMD ["dovetail", "status", "--output", "json"]
# No entry point: compose files often run `bash -c "confluent-hub install ... ; /etc/confluent/docker/run"`.
CMD ["dovetail", "worker"]
