# The deployment's extra commands over an image's tree of links. The answer: the derivation, and where its output will
# be; extra-commands.sh has what is in it.
#
# `archive` is the tree as a tar, by its path on this machine; `packages` and `tools` are store paths that are here
# already, separated by spaces: what the links lead to, and what the commands run. Nothing else is visible to them.
{
  system,
  archive,
  commands,
  packages,
  tools,
}:

let
  # Text that makes them inputs.
  present =
    paths:
    map builtins.storePath (builtins.filter (part: builtins.isString part && part != "") (builtins.split " " paths));

  derivation' = derivation {
    name = "extra-commands";
    inherit system commands;
    builder = "${builtins.head (present tools)}/bin/bash";
    args = [ ./extra-commands.sh ];
    archive = builtins.path {
      path = /. + archive;
      name = "tree.tar";
    };
    packages = present packages;
    tools = present tools;
    # No other machine has it.
    allowSubstitutes = false;
    preferLocalBuild = true;
  };
in
{
  drv = derivation'.drvPath;
  path = derivation'.outPath;
}
