# Builder of stdenv: writes the search path of its tools to $out/setup, as nixpkgs' pkgs/stdenv/generic does.
set -eu
export PATH=/usr/bin:/bin LC_ALL=C

mkdir -p "$out/nix-support"
cat >"$out/setup" <<END
export SHELL=$shell
initialPath="$initialPath"
defaultNativeBuildInputs="$defaultNativeBuildInputs"
END
cat >>"$out/setup" <<'END'
PATH=
for folder in $initialPath $defaultNativeBuildInputs; do
  PATH=${PATH:+$PATH:}$folder/bin
done
export PATH
unset folder
END
