# The names of the Debian packages that the set is made of: what has to be fetched. Needs no .deb file.
{
  system ? builtins.currentSystem,
}:

let
  inherit (builtins) attrNames attrValues concatMap listToAttrs;

  pkgs = import ./packages.nix {
    inherit system;
    config = { };
    debs = null;
  };

  names = set: concatMap (value: value.debNames or (names value)) (attrValues set);
  unique =
    list:
    attrNames (
      listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) list
      )
    );
in
unique (names pkgs)
