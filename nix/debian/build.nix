# deb: makes one package of one or more Debian packages.
#
#   deb "jq" {
#     debs = [ "jq" "libjq1" ];    what to unpack; the version is the first one's
#     inputs = [ oniguruma ];      where its libraries and interpreters are looked for, with all that they have
#     outputs = [ "bin" "out" ];   the first is the default, as in nixpkgs
#     install = "…";               shell, after unpacking and before programs are made to find their libraries
#     patch = false;               for packages without programs and libraries
#     program = "jq";              meta.mainProgram
#   }
{
  system,
  platform,
  debs,
  glibc,
  checkMeta,
}:

let
  inherit (builtins)
    attrNames
    concatMap
    elem
    elemAt
    foldl'
    head
    listToAttrs
    match
    pathExists
    readDir
    readFile
    ;

  folder =
    let
      path = debs + "/${platform.architecture}";
      reason = debs + "/${platform.architecture}.missing";
      none = "This package set has no packages for ${platform.architecture} on this machine";
    in
    if pathExists path then
      path
    else if pathExists reason then
      throw "${none}: ${readFile reason}"
    else
      throw "${none}.";

  # Debian package name -> { file, version }. apt writes `name_epoch%3aversion_architecture.deb`.
  available = listToAttrs (
    concatMap (
      file:
      let
        found = match "([^_]+)_(.*%3a)?([0-9A-Za-z.]+).*[.]deb" file;
      in
      if found == null then
        [ ]
      else
        [
          {
            name = head found;
            value = {
              inherit file;
              version = elemAt found 2;
            };
          }
        ]
    ) (attrNames (readDir folder))
  );

  lookup = name: available.${name} or (throw "The Debian package ${name} was not fetched.");

  # Addressed by content: the same file gives the same store path wherever the folder lies.
  source =
    name:
    builtins.path {
      name = "${name}.deb";
      path = folder + "/${(lookup name).file}";
    };

  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];
in
pname:
{
  debs ? [ pname ],
  inputs ? [ glibc ],
  outputs ? [ "out" ],
  install ? "",
  patch ? true,
  program ? null,
  meta ? { },
}:

let
  version = (lookup (head debs)).version;
  closure = unique (inputs ++ concatMap (input: input.closure) inputs);
  package = derivation {
    inherit
      system
      install
      outputs
      patch
      ;
    inherit (platform) gnuTriple;
    name = "${pname}-${version}";
    builder = "/bin/bash";
    args = [ ./deb.sh ];
    debs = map source debs;
    inputs = map (input: input.out) closure;
    loader = if patch then "${glibc}/lib/${platform.loader}" else "";
  };
  description = {
    inherit pname version closure;
    debNames = debs;
    meta = {
      mainProgram = program;
    }
    // meta;
  };
  # An output says the same of itself as the package, as in nixpkgs.
  described = listToAttrs (
    map (name: {
      inherit name;
      value = package.${name} // description;
    }) outputs
  );
in
checkMeta (package // description // described)
