# Copies a folder into the store, but for git's own files; the answer is its path there. What is in the store already is
# read and not written again.
{ folder }:
builtins.path {
  path = /. + folder;
  name = "source";
  filter = path: type: baseNameOf path != ".git";
}
