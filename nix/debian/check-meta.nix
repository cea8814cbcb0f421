# What nixpkgs' pkgs/stdenv/generic/check-meta.nix does: a package that is refused keeps readable attributes,
# and throws where its derivation is asked for.
{ system, config }:
package:

let
  inherit (builtins) elem;

  meta = {
    broken = false;
    insecure = false;
    unfree = false;
    unsupported = false;
    mainProgram = null;
  }
  // package.meta;

  refuse = reason: throw "Package ‘${package.name}’ ${reason}, refusing to evaluate.";

  allowed =
    if meta.unfree && !(config.allowUnfree or false) then
      refuse "has an unfree license (‘unfree’)"
    else if meta.broken && !(config.allowBroken or false) then
      refuse "is marked as broken"
    else if meta.unsupported && !(config.allowUnsupportedSystem or false) then
      refuse "is not available on the requested hostPlatform (${system})"
    else if meta.insecure && !(elem package.name (config.permittedInsecurePackages or [ ])) then
      refuse "is marked as insecure"
    else
      true;
in
package
// {
  meta = meta // {
    available = (builtins.tryEval allowed).success;
  };
  drvPath = assert allowed; package.drvPath;
  outPath = assert allowed; package.outPath;
}
