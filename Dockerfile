# One static binary, without a shell, that any user may run. The PDF engine is
# compiled at build time and lies in the image, where nobody may write to it.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t bartizan .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" -v bartizan:/state bartizan analyze --out out docs
#
# /data is where it works: run it as the user whose folder that is. /state keeps
# what a model answered from one run to the next.

FROM golang:1.26-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /image/usr/local/bin/bartizan ./cmd/bartizan
# Compiled code is run only from a folder of root's or of one's own. On another
# processor than the build's it may not fit: the error then tells to name
# another folder in BARTIZAN_PDF_CACHE, such as /state/pdf.
RUN mkdir -p /image/usr/local/lib/bartizan && \
    BARTIZAN_PDF_CACHE=/image/usr/local/lib/bartizan/pdf /image/usr/local/bin/bartizan warm && \
    chmod -R a+rX,go-w /image && \
    mkdir -m 1777 /image/data /image/state

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /image/ /
ENV BARTIZAN_PDF_CACHE=/usr/local/lib/bartizan/pdf XDG_CACHE_HOME=/state/cache XDG_CONFIG_HOME=/state/config
WORKDIR /data
USER nonroot
ENTRYPOINT ["bartizan"]
