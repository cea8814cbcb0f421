# Builder of extra-commands.nix: unpacks $archive into a folder, runs $commands in it, and leaves the folder as
# $out/tree, with the permission bits in $out/modes (`<octal digits> <path>`, each ended by a zero byte): Nix's store
# keeps of these only whether a file can be executed.
set -eu -o pipefail
umask 022
PATH=
for tool in $tools; do PATH=$PATH${PATH:+:}$tool/bin; done
export PATH LC_ALL=C

mkdir root
cd root
tar --extract --preserve-permissions --no-same-owner --file "$archive"

# Only what is the same on every machine: neither the number of cores nor where the output will be.
env -i PATH="$PATH" HOME="$NIX_BUILD_TOP" TMPDIR="$NIX_BUILD_TOP" LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=1 \
  bash -euc "$commands" extra-commands

odd=$(find . -not -type d -not -type f -not -type l -print -quit)
if [ -n "$odd" ]; then
  echo "$odd is neither a file nor a directory nor a symbolic link: it cannot be in an image" >&2
  exit 1
fi
mkdir "$out"
find . -mindepth 1 -printf '%m %P\0' >"$out/modes"
# The bits are written down; now everything has to be readable for the copy.
chmod -R u+rwX .
cp --recursive --no-dereference . "$out/tree"
