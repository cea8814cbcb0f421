# What can go wrong with a name, at evaluation and after: one attribute for each case.
{
  system,
  config,
  pkgs,
  set,
}:

let
  inherit (pkgs) hello;
  checkMeta = import ./check-meta.nix { inherit system config; };
  marked =
    reason:
    checkMeta (
      hello
      // {
        name = "${reason}-hello-${hello.version}";
        meta.${reason} = true;
      }
    );
in
rec {
  broken-hello = marked "broken";
  insecure-hello = marked "insecure";
  unfree-hello = marked "unfree";
  # As a package of another platform.
  unsupported-hello = marked "unsupported";

  # As nixpkgs' aliases do; tryEval catches it and loses the message.
  removed-hello = throw "removed-hello has been removed, use hello";
  # These three end the evaluation of everything.
  aborting-hello = abort "this cannot be caught";
  recursive-hello = recursive-hello // { };
  mistyped-hello = hello // {
    drvPath = hello.noSuchAttribute;
  };

  failing-hello = derivation {
    inherit system;
    name = "failing-hello";
    builder = "/bin/bash";
    args = [
      "-c"
      "for line in {1..200}; do echo line $line of the log; done; echo the build says why >&2; exit 3"
    ];
  };

  # Not packages: a set, a string, a function.
  lib = {
    version = "0";
    id = x: x;
  };

  # A lower-case name means neither of them more than the other.
  twin-Hello = hello;
  Twin-hello = hello;

  # A set that has itself, as nixpkgs has `pkgs`.
  pkgs = set;
}
