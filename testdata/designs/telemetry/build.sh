#!/bin/sh
# Makes telemetry.pdf from source/roadgrid.html with Debian's chromium
# (131 or later: running headers are CSS page margin boxes) and the fonts of
# fonts-liberation, on whose widths the page and line ends depend.
# The page numbers in the table of contents are written by hand in the source.
set -eu
cd "$(dirname "$0")"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-background-networking \
	--user-data-dir="$profile" --no-pdf-header-footer \
	--print-to-pdf=telemetry.pdf "file://$PWD/source/roadgrid.html"
