# Packages that are there for their names, which an image's name cannot simply repeat, and for files of one name.
{ system, pkgs }:

let
  inherit (pkgs) bash hello;

  # Several packages with the program `greet`: which of them an image has is for meta.priority to say, 5 where it
  # says nothing (lib.hiPrio in nixpkgs gives -10, lib.lowPrio 10).
  greet =
    pname: meta:
    derivation {
      inherit system pname;
      name = "${pname}-1";
      builder = "/bin/bash";
      args = [
        "-c"
        "/usr/bin/mkdir -p $out/bin; printf '%s\\n' '#!${bash}/bin/sh' 'echo ${pname}' >$out/bin/greet; /usr/bin/chmod +x $out/bin/greet; :"
      ];
    }
    // {
      inherit pname;
      version = "1";
      meta = {
        mainProgram = "greet";
      }
      // meta;
    };
in
{
  "hello+" = hello;
  "dotted.hello" = hello;
  _2hello = hello;
  Nested.CamelCase.Hello = hello;

  greet = greet "greet" { };
  greet-high = greet "greet-high" { priority = -10; };
  greet-low = greet "greet-low" { priority = 10; };
}
