# Resolves package names to derivations, without building anything: one evaluation for all names.
#
#   nix-instantiate --eval --strict --json --read-write-mode resolve.nix --argstr request \
#     '{"source":{"path":"/pkgs"},"system":"x86_64-linux","packages":["git","xorg.xev"]}'
#
# The request is data and nothing in it is ever Nix code. `source` is exactly one of
#   {"path":…}  {"tarball":URL}  {"git":{"url":…,"ref":…,"rev":…}}  {"flake":REFERENCE}
#
# The answer is { items, names }. `items` has one item a package, in the order asked:
#   { name, found = { attribute, drv, output, path, pname, mainProgram } }   realise drv!output; it will be at path
#   { name, not_found = { attribute } }         attribute: the set, as a list, that has no such name
#   { name, ambiguous = { candidates } }        several attributes that differ in case, none of them the name itself
#   { name, not_a_package = { attribute, type } }
#   { name, refused = { attribute, reasons } }  reasons: of broken, insecure, unfree, unsupported
#   { name, failed = { } }                      the evaluation threw
# `names` has, for each attribute where a name was not found, what there is instead.
#
# What Nix cannot catch (abort, a missing attribute, a type error, infinite recursion) ends the whole evaluation,
# and what it catches loses its message. Then ask for that one package with "explain": true and read stderr.
{ request }:

let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    fromJSON
    genList
    getFlake
    groupBy
    head
    isAttrs
    isFunction
    isString
    length
    listToAttrs
    match
    replaceStrings
    seq
    split
    tryEval
    typeOf
    ;

  asked = {
    explain = false;
  }
  // fromJSON request;

  # explain: let errors end the evaluation, for then Nix prints their message.
  try =
    if asked.explain then
      value: {
        success = true;
        inherit value;
      }
    else
      tryEval;

  tree =
    let
      inherit (asked) source;
    in
    if attrNames source == [ "path" ] then
      /. + source.path
    else if attrNames source == [ "tarball" ] then
      fetchTarball source.tarball
    else if attrNames source == [ "git" ] then
      fetchGit source.git
    else if attrNames source == [ "flake" ] then
      (getFlake source.flake).outPath
    else
      throw "a source is exactly one of path, tarball, git and flake";

  set =
    let
      imported = import tree;
      applied =
        if isFunction imported then
          imported {
            inherit (asked) system;
            config = { };
          }
        else
          imported;
    in
    if isAttrs applied then applied else throw "the source is not a package set but a ${typeOf applied}";

  letters = text: filter (c: isString c && c != "") (split "" text);
  upper = letters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  lower = letters "abcdefghijklmnopqrstuvwxyz";
  toLower = replaceStrings upper lower;

  # The largest set is folded once for all names.
  foldCase = value: groupBy toLower (attrNames value);
  foldedSet = foldCase set;

  # Sets whose members are no packages but programs of hours: virtual machines that test packages.
  denied = [
    "nixosTests"
    "tests"
  ];

  maximumDepth = 6;

  # The attributes that one component of a name may mean. Image names are lower-case and begin with a letter or
  # a digit, attributes need not: the exact one wins, then those that differ only in case; and what begins with a
  # digit may be written with an underscore in Nix (_7zz).
  candidates =
    path: value: component:
    let
      folded = if path == [ ] then foldedSet else foldCase value;
      spellings = [ component ] ++ (if match "[0-9].*" component == null then [ ] else [ "_${component}" ]);
      choices = concatMap (name: [
        (if value ? ${name} then [ name ] else [ ])
        (folded.${toLower name} or [ ])
      ]) spellings;
      allowed = filter (choice: choice != [ ]) (map (filter (name: !(elem name denied))) choices);
    in
    if !(isAttrs value) || allowed == [ ] then [ ] else head allowed;

  step =
    at: component:
    let
      names = candidates at.attribute at.value component;
    in
    if at ? stopped then
      at
    else if names == [ ] then
      {
        stopped.not_found = { inherit (at) attribute; };
        siblings = if isAttrs at.value then attrNames at.value else [ ];
      }
    else if length names > 1 then
      {
        stopped.ambiguous.candidates = map (name: concatStringsSep "." (at.attribute ++ [ name ])) names;
      }
    else
      {
        attribute = at.attribute ++ names;
        value = at.value.${head names};
      };

  find =
    name:
    let
      components = filter isString (split "[.]" name);
      found = foldl' step {
        attribute = [ ];
        value = set;
      } components;
    in
    if length components > maximumDepth then
      {
        stopped.not_found.attribute = genList (elemAt components) maximumDepth;
        siblings = [ ];
      }
    else
      seq (found.value or null) found;

  describe =
    { attribute, value }:
    let
      isPackage = isAttrs value && value.type or null == "derivation";
      derivation = try (
        seq value.drvPath {
          drv = value.drvPath;
          path = value.outPath;
        }
      );
      optional =
        get:
        let
          got = tryEval get;
        in
        if got.success && isString got.value then got.value else null;
      is =
        flag:
        let
          got = tryEval (value.meta.${flag} or false == true);
        in
        got.success && got.value;
      # nixpkgs says so beside the derivation that it refuses.
      reasons = filter is [
        "broken"
        "insecure"
        "unfree"
        "unsupported"
      ];
    in
    if !isPackage then
      {
        not_a_package = {
          inherit attribute;
          type = typeOf value;
        };
      }
    else if derivation.success then
      {
        found = derivation.value // {
          inherit attribute;
          output = value.outputName or "out";
          pname = optional (value.pname or null);
          mainProgram = optional (value.meta.mainProgram or null);
        };
      }
    else if reasons != [ ] then
      {
        refused = { inherit attribute reasons; };
      }
    else
      { failed = { }; };

  resolve =
    name:
    let
      at = try (find name);
      item =
        if !at.success then
          { failed = { }; }
        else if at.value ? stopped then
          at.value.stopped
        else
          describe at.value;
    in
    {
      item = item // {
        inherit name;
      };
      siblings = at.value.siblings or [ ];
    };

  resolved = map resolve asked.packages;
  missing = filter (one: one.item ? not_found) resolved;
in
# Forced first: a source that is no package set fails also where nothing is asked of it.
seq set {
  items = map (one: one.item) resolved;
  names = listToAttrs (
    map (one: {
      name = concatStringsSep "." one.item.not_found.attribute;
      value = one.siblings;
    }) missing
  );
}
