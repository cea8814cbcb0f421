# Fetches an archive and unpacks it into the store; the answer is its path there.
{ url }:
builtins.fetchTarball {
  inherit url;
  name = "source";
}
