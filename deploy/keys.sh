#!/bin/sh
# Makes the file of signing keys that --key-file names: keys.sh [FILE]
set -eu
file="${1:-$(dirname "$0")/keys}"
[ ! -e "$file" ] || { echo "$file is there already" >&2; exit 1; }
umask 077
secret=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
printf '# id: secret. The first key signs, all of them verify.\n%s: %s\n' "$(date -u +%Y%m%d)" "$secret" >"$file"
# The image's user, for compose.yaml; systemd and kubectl read it as root or as you.
if [ "$(id -u)" = 0 ]; then
	chown 65532:65532 "$file"
else
	echo "for compose.yaml: sudo chown 65532:65532 $file"
fi
echo "wrote $file"
