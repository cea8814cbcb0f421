# Builder of one package: unpacks $debs into $out, runs $install, and makes every program and library find its
# interpreter and its libraries in the store ($inputs), and nowhere else. The host lends bash, coreutils, sed,
# tar, dpkg-deb and patchelf; nothing of theirs stays in the result.
set -eu -o pipefail
shopt -s nullglob
export PATH=/usr/bin:/bin LC_ALL=C

# Debian's multiarch folders and /usr are flattened: usr/lib/x86_64-linux-gnu/libz.so.1 becomes lib/libz.so.1.
# The loader's links outside of the multiarch folder would collide with the loader.
unpack() {
  dpkg-deb --fsys-tarfile "$1" | tar -x -C "$out" --no-same-owner --keep-directory-symlink \
    --exclude='./usr/share/'{doc,man,locale,lintian,bug,info,doc-base,menu,pixmaps,applications,bash-completion} \
    --exclude=./lib64 --exclude='./lib/ld-linux-*' --exclude=./var \
    --transform="flags=rh;s,^\./usr/,./,;s,^\./\(lib\|include\)/$gnuTriple\(/\|$\),./\1/,"
}

# The same for the target of an absolute link: where in this package or its inputs it is now, or nothing.
relocate() {
  local target=$1 folder
  target=${target#/usr}
  target=${target/#\/lib\/$gnuTriple\//\/lib\/}
  for folder in "$out" $inputs; do
    if [ -e "$folder$target" ]; then
      echo "$folder$target"
      return
    fi
  done
}

# Links to Debian's absolute paths lead into the store. Those that lead to nothing are left out: /etc/alternatives,
# other packages, and relative ones between folders that were flattened.
relink() {
  local link target
  while IFS= read -r -d '' link; do
    target=$(readlink "$link")
    [[ $target == "$NIX_STORE"/* ]] && continue
    target=$(relocate "$target")
    rm "$link"
    if [ -n "$target" ]; then ln -s "$target" "$link"; else echo "left out: $link"; fi
  done < <(find "$out" -type l -lname '/*' -print0)
  find "$out" -xtype l -printf 'left out: %p\n' -delete
}

# wrap PROGRAM NAME=VALUE...: runs PROGRAM with these variables set, which may refer to variables of then. The
# program's own name stays, for some are several in one.
wrap() {
  local program=$out/bin/$1 real=$out/bin/.$1-wrapped
  shift
  mv "$program" "$real"
  { echo '#!/bin/sh'; printf 'export %s\n' "$@"; echo "exec -a \"\$0\" $real \"\$@\""; } >"$program"
  chmod +x "$program"
}

# keep_programs NAME...: removes all other programs.
keep_programs() {
  local program
  for program in "$out"/bin/*; do
    [[ " $* " == *" ${program##*/} "* ]] || rm "$program"
  done
}

# split_dev: moves what only compiling needs into the output `dev`.
split_dev() {
  mkdir -p "$dev/lib"
  mv "$out/include" "$dev/"
  if [ -d "$out/lib/pkgconfig" ]; then
    mv "$out/lib/pkgconfig" "$dev/lib/"
    sed -i -e "s,^prefix=.*,prefix=$dev," -e "s,^libdir=.*,libdir=$out/lib," "$dev"/lib/pkgconfig/*.pc
  fi
  rm -f "$out"/lib/*.a
}

# The folders that hold the libraries $1 needs, joined by colons; an error names the library that is missing.
runpath() {
  local library folder found=
  for library in $(patchelf --print-needed "$1"); do
    for folder in "$out/lib" $(printf '%s/lib ' $inputs); do
      [ -e "$folder/$library" ] || continue
      case ":$found:" in *":$folder:"*) ;; *) found=${found:+$found:}$folder ;; esac
      continue 2
    done
    echo "$1 needs $library, which no input has" >&2
    return 1
  done
  echo "$found"
}

patch_elf() {
  local path
  local -a change=()
  path=$(runpath "$1")
  if patchelf --print-interpreter "$1" >/dev/null 2>&1; then change+=(--set-interpreter "$loader"); fi
  if [ -n "$path" ]; then change+=(--set-rpath "$path"); fi
  if [ ${#change[@]} -gt 0 ]; then patchelf "${change[@]}" "$1"; fi
}

# A program's #! line names an interpreter in the store. Scripts elsewhere (examples, hooks) may have none.
patch_script() {
  local line name folder
  IFS= read -r line <"$1" || true
  [[ $line =~ ^'#!'[[:blank:]]*(/usr/bin/env[[:blank:]]+)?([^[:blank:]]+) ]] || return 0
  name=${BASH_REMATCH[2]##*/}
  for folder in "$out/bin" $(printf '%s/bin ' $inputs); do
    if [ -e "$folder/$name" ]; then
      sed -i "1s,^#![[:blank:]]*\(/usr/bin/env[[:blank:]][[:blank:]]*\)\?[^[:blank:]]*,#!$folder/$name," "$1"
      return
    fi
  done
  if [[ ${1%/*} == */bin ]]; then
    echo "$1 needs $name, which no input has" >&2
    return 1
  fi
}

mkdir -p "$out"
for deb in $debs; do unpack "$deb"; done
if [ -d "$out/usr" ]; then rmdir "$out/usr"; fi
relink
eval "$install"
if [ -z "$patch" ]; then exit; fi

for output in $outputs; do find "${!output}" -type f -not -name '*.[ao]' -print0; done |
  while IFS= read -r -d '' file; do
    magic=
    read -r -N 4 magic <"$file" 2>/dev/null || true
    case $magic in
    $'\x7fELF') patch_elf "$file" ;;
    '#!'*) patch_script "$file" ;;
    esac
  done
