#!/bin/sh
# Synthesises the built-in tones and packs them as OGG Vorbis. Needs oggenc (Debian: vorbis-tools).
set -eu
cd "$(dirname "$0")"
command -v oggenc >/dev/null || { echo "render.sh: oggenc is missing, install vorbis-tools" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go run . "$work"
for wav in "$work"/*.wav; do
	oggenc -Q -q 4 --serial 1 -o "../$(basename "$wav" .wav).ogg" "$wav"
done
