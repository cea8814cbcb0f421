# A package set with nixpkgs' shape and names, made of Debian 12's packages: real programs whose only references
# are store paths, so that everything also runs where there is no nixpkgs.
#
# The .deb files are no part of the source tree: infra/local/debian-packages.ts fetches what deb-names.nix lists
# and lays `debs/<architecture>/` beside a copy of these files. `import <that folder> { system = …; }` is the set.
{
  system ? builtins.currentSystem,
  config ? { },
  overlays ? [ ],
  debs ? ./debs,
  ...
}:

let
  pkgs = import ./packages.nix { inherit system config debs; };
  base =
    pkgs
    // import ./slow.nix { inherit system pkgs; }
    // import ./compiled.nix { inherit system pkgs; }
    // import ./names.nix { inherit system pkgs; }
    // import ./wrong.nix {
      inherit
        system
        config
        pkgs
        set
        ;
    };

  # As nixpkgs does it, but for one thing: what the set's own packages are made of stays as it is.
  set = builtins.foldl' (previous: overlay: previous // overlay set previous) base overlays;
in
set
