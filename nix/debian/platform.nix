# How Debian and the GNU tools call a Nix system.
system:
{
  x86_64-linux = {
    architecture = "amd64";
    gnuTriple = "x86_64-linux-gnu";
    binutils = "binutils-x86-64-linux-gnu";
    loader = "ld-linux-x86-64.so.2";
  };
  aarch64-linux = {
    architecture = "arm64";
    gnuTriple = "aarch64-linux-gnu";
    binutils = "binutils-aarch64-linux-gnu";
    loader = "ld-linux-aarch64.so.1";
  };
}
.${system} or (throw "The Debian package set has no packages for ${system}, only for x86_64-linux and aarch64-linux.")
