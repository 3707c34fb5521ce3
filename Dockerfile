# One static binary, without a shell, run by nobody in particular. The PDF
# engine is compiled at build time: its cache is part of the image.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t bartizan .
#   docker run --rm -v "$PWD:/data" bartizan analyze --out out docs

FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/bartizan ./cmd/bartizan
# The folder stays with its owner alone: it holds code that is run.
RUN mkdir -p /out/cache /out/data && chmod 700 /out/cache && XDG_CACHE_HOME=/out/cache /out/bartizan warm

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build --chown=nonroot:nonroot /out/cache /home/nonroot/.cache
COPY --from=build --chown=nonroot:nonroot /out/data /data
COPY --from=build /out/bartizan /usr/local/bin/bartizan
ENV XDG_CACHE_HOME=/home/nonroot/.cache
WORKDIR /data
USER nonroot
ENTRYPOINT ["bartizan"]
