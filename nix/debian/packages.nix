# All packages that can be built. Nested sets are nested attribute sets, as in nixpkgs.
{
  system,
  config,
  debs,
}:

let
  platform = import ./platform.nix system;
  deb = import ./build.nix {
    inherit system platform debs;
    inherit (pkgs) glibc;
    checkMeta = import ./check-meta.nix { inherit system config; };
  };
  parts = {
    inherit
      system
      pkgs
      deb
      platform
      ;
  };
  pkgs =
    import ./libraries.nix parts
    // import ./programs.nix parts
    // import ./toolchain.nix parts
    // import ./stdenv.nix parts
    // import ./nested.nix parts;
in
pkgs
