# compiled-hello: a package that is compiled by the set's own compiler, with none of the host's tools. Its builder is a
# program of the package's platform, so unlike all others it cannot be built on another.
{ system, pkgs }:

let
  inherit (pkgs) stdenv;
  package = derivation {
    inherit system stdenv;
    name = "compiled-hello-1";
    builder = stdenv.shell;
    args = [
      "-euc"
      ''
        source $stdenv/setup
        for tool in cc g++ ld make sed awk tar xz file patch; do
          case $(type -p $tool) in
          $NIX_STORE/*) ;;
          *) echo "$tool is not in the store" >&2; exit 1 ;;
          esac
        done
        mkdir -p $out/bin
        echo '#include <stdio.h>' >hello.c
        echo 'int main(void) { return puts("compiled") < 0; }' >>hello.c
        $SHELL -c "cc -O2 -Wall -o $out/bin/compiled-hello hello.c"
      ''
    ];
  };
in
{
  compiled-hello = package // {
    pname = "compiled-hello";
    version = "1";
    meta.mainProgram = "compiled-hello";
  };
}
