# The names of all packages of the set that can be built, as resolve.nix takes them.
{ folder, system }:

let
  inherit (builtins) attrNames concatMap;

  pkgs = import (/. + folder + "/packages.nix") {
    inherit system;
    config = { };
    debs = /. + folder + "/debs";
  };

  names =
    prefix: set:
    concatMap (
      name: if set.${name} ? debNames then [ "${prefix}${name}" ] else names "${prefix}${name}." set.${name}
    ) (attrNames set);
in
names "" pkgs
