# Sets within the set, by the names that nixpkgs gives them.
{ pkgs, deb, ... }:

with pkgs;
{
  perlPackages = {
    IPCRun = deb "perl-IPC-Run" {
      debs = [ "libipc-run-perl" ];
      patch = false;
    };
    JSON = deb "perl-JSON" {
      debs = [ "libjson-perl" ];
      patch = false;
    };
  };
  python3Packages = {
    six = deb "python3-six" {
      debs = [ "python3-six" ];
      patch = false;
    };
  };
  xorg = {
    libX11 = deb "libX11" {
      debs = [
        "libx11-6"
        "libxcb1"
        "libxau6"
        "libxdmcp6"
        "libbsd0"
        "libmd0"
      ];
    };
    libXrandr = deb "libXrandr" {
      debs = [
        "libxrandr2"
        "libxrender1"
        "libxext6"
      ];
      inputs = [ xorg.libX11 ];
    };
    xev = deb "xev" {
      debs = [ "x11-utils" ];
      inputs = [ xorg.libXrandr ];
      install = "keep_programs xev";
      program = "xev";
    };
  };
}
