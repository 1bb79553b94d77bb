#!/bin/sh
# Renders the icon sources of this folder to the sizes the programs embed.
# Needs rsvg-convert (Debian: librsvg2-bin) and convert (Debian: imagemagick).
set -eu
cd "$(dirname "$0")"
for tool in rsvg-convert:librsvg2-bin convert:imagemagick; do
	command -v "${tool%%:*}" >/dev/null || { echo "render.sh: ${tool%%:*} is missing, install ${tool##*:}" >&2; exit 1; }
done
for state in idle ringing-1 ringing-2 incall disconnected trouble muted; do
	for size in 16 22 24 32 48; do
		rsvg-convert -w "$size" -h "$size" "$state.svg" -o "$state-$size.png"
	done
done
for size in 16 22 24 32 48 256; do
	rsvg-convert -w "$size" -h "$size" deskbell.svg -o "deskbell-$size.png"
done
mv deskbell-256.png deskbell.png
convert deskbell-16.png deskbell-24.png deskbell-32.png deskbell-48.png deskbell.png deskbell.ico
