# slow-hello: a package that takes about fifteen seconds to build, in twenty derivations one after another, for
# tests that stop a worker in the middle. What was built before stays built.
{ system, pkgs }:

let
  step =
    number:
    derivation {
      inherit system;
      name = "slow-hello-step-${toString number}";
      builder = "/bin/bash";
      args = [
        "-c"
        "echo step ${toString number} of 20; /usr/bin/sleep 0.4; echo ${toString number} >$out"
      ];
      after = if number == 1 then "" else step (number - 1);
    };

  package = derivation {
    inherit system;
    name = "slow-hello-1";
    builder = "/bin/bash";
    args = [
      "-c"
      "/usr/bin/mkdir $out; /usr/bin/ln -s ${pkgs.hello}/bin $out/bin; :"
    ];
    after = step 19;
  };
in
{
  slow-hello = package // {
    pname = "slow-hello";
    version = "1";
    meta.mainProgram = "hello";
  };
}
