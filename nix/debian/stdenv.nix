# stdenv: what nixpkgs builds with, as one package. Its output holds what nixpkgs' holds: `setup`, which a builder
# sources to have the tools, and nix-support. Here `setup` sets the search path and no more: there are no phases.
{ system, pkgs, ... }:

with pkgs;
let
  package = derivation {
    inherit system;
    name = "stdenv-linux";
    builder = "/bin/bash";
    args = [ ./stdenv.sh ];
    shell = "${bash}/bin/bash";
    initialPath = [
      coreutils
      findutils
      diffutils
      gnused
      gnugrep
      gawk
      gnutar
      gzip
      bzip2
      gnumake
      bash
      patch
      xz
      file
    ];
    defaultNativeBuildInputs = [
      gcc
      gcc.bintools
    ];
  };
in
{
  stdenv = package // {
    pname = "stdenv";
    cc = gcc;
    shell = "${bash}/bin/bash";
    # Made of other packages of the set, of no Debian package of its own.
    debNames = [ ];
    meta.mainProgram = null;
  };
}
