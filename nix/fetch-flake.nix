# Fetches the tree of a flake into the store. `input` is the JSON of arguments to fetchTree. Nothing of the flake is evaluated here.
{ input }:
let
  tree = builtins.fetchTree (builtins.fromJSON input);
in
{
  path = "${tree}";
  revision = tree.rev or tree.narHash;
  isFlake = builtins.pathExists (tree + "/flake.nix");
}
