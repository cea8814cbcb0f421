# Resolves package names to derivations, without building anything: one evaluation for all names.
#
# In Nix's pure mode, which sees nothing of the machine and nothing of the network but what is pinned by hash. That mode
# reads no files either, so Nix is given this text itself:
#
#   nix-instantiate --eval --strict --json --read-write-mode --option pure-eval true \
#     --expr "$(cat resolve.nix)" --argstr request JSON --argstr overlay NIX
#
# `overlay` is the text of one overlay, by the operator; it may be left out. The request is data and nothing in it is ever
# Nix code:
#   source     the tree of a package set that is in the store, { path, name, sha256 }, or { flake }, a locked reference
#   system     Nix's name of the platform, x86_64-linux
#   config     the set's own configuration, as nixpkgs has it
#   packages   [ { name, components } ]; of each component the ways that it may be spelled, in the order of preference
#   mode       "resolve"; or, without writing any derivation, "look": { name, there = true or false } for each name, and
#              "locate": { name, path }, where its output would be, or null where that cannot be said; or "explain"
#
# The answer is { items, names }. `items` has one item a package, in the order asked:
#   { name, found = { attribute, drv, output, path, pname, mainProgram, priority } }    realise drv!output; it will be at path
#   { name, not_found = { attribute } }         attribute: the set, as a list, that has no such name
#   { name, ambiguous = { attribute, candidates } }     members of that set that differ in case, none of them the name itself
#   { name, not_a_package = { attribute, type } }
#   { name, removed = { } }                     the set throws instead of a value
#   { name, refused = { attribute, reasons } }  reasons: of broken, insecure, unfree, unsupported
#   { name, failed = { } }                      the package throws instead of a derivation
# `names` has, for each attribute where a name was not found, what there is instead.
#
# What Nix cannot catch (abort, a missing attribute, a type error, infinite recursion) ends the whole evaluation,
# and what it catches loses its message. Then ask for that one package with the mode "explain" and read stderr.
{
  request,
  overlay ? null,
}:

let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    fromJSON
    functionArgs
    getFlake
    groupBy
    hashString
    head
    intersectAttrs
    isAttrs
    isFloat
    isFunction
    isInt
    isString
    length
    listToAttrs
    map
    replaceStrings
    seq
    split
    tail
    toFile
    toXML
    tryEval
    typeOf
    ;

  asked = fromJSON request;

  # explain: let errors end the evaluation, for then Nix prints their message.
  try =
    if asked.mode == "explain" then
      value: {
        success = true;
        inherit value;
      }
    else
      tryEval;

  # A path that has been in the store all along may be read in pure mode only when it is said by its hash.
  tree =
    let
      inherit (asked) source;
      path = builtins.path source;
    in
    if path == source.path then path else throw "${source.path} is not what its hash says";

  # Text that is not in the store as a file can be imported no other way in pure mode.
  overlays =
    if overlay == null then
      [ ]
    else
      [
        (import (
          builtins.path {
            name = "overlay.nix";
            path = toFile "overlay.nix" overlay;
            recursive = false;
            sha256 = hashString "sha256" overlay;
          }
        ))
      ];

  # The arguments that the set's function takes; one with an ellipsis takes all. Overlays are given although there may be
  # none, so that nixpkgs does not look for any.
  apply =
    function:
    let
      offered = {
        inherit (asked) system config;
        inherit overlays;
      };
      written = toXML function;
      isOpen = replaceStrings [ "<varpat " " ellipsis=\"1\"" ] [ "" "" ] written != written;
      taken = if isOpen then offered else intersectAttrs (functionArgs function) offered;
    in
    if overlays != [ ] && !(taken ? overlays) then refuseOverlay else function taken;

  refuseOverlay = throw "it takes no overlays, and this registry is set up with one";

  fromTree =
    let
      imported = import tree;
      applied =
        if isFunction imported then
          apply imported
        else if overlays != [ ] then
          refuseOverlay
        else
          imported;
    in
    if isAttrs applied then applied else throw "it is not a package set but a ${typeOf applied}";

  # What a flake calls its packages (`nix flake show`): nixpkgs' are legacyPackages, for they are nested.
  fromFlake =
    let
      flake = getFlake asked.source.flake;
      offers = filter (kind: flake ? ${kind}.${asked.system}) [
        "packages"
        "legacyPackages"
      ];
    in
    if overlays != [ ] then
      refuseOverlay
    else if offers == [ ] then
      throw "the flake has no packages for ${asked.system}"
    else
      foldl' (all: kind: all // flake.${kind}.${asked.system}) { } offers;

  set = if asked.source ? flake then fromFlake else fromTree;

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

  firstOf =
    lists:
    if lists == [ ] then
      [ ]
    else if head lists != [ ] then
      head lists
    else
      firstOf (tail lists);

  # The attributes that one component of a name may mean, by the first spelling that there is: the exact one, else
  # those that differ only in case.
  candidates =
    path: value: spellings:
    let
      folded = if path == [ ] then foldedSet else foldCase value;
      allowed = filter (name: !(elem name denied));
      choices = concatMap (spelling: [
        (allowed (if value ? ${spelling} then [ spelling ] else [ ]))
        (allowed (folded.${toLower spelling} or [ ]))
      ]) spellings;
    in
    if isAttrs value then firstOf choices else [ ];

  step =
    at: spellings:
    let
      names = candidates at.attribute at.value spellings;
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
        stopped.ambiguous = {
          inherit (at) attribute;
          candidates = names;
        };
      }
    else
      {
        attribute = at.attribute ++ names;
        value = at.value.${head names};
      };

  find =
    components:
    let
      found = foldl' step {
        attribute = [ ];
        value = set;
      } components;
    in
    seq (found.value or null) found;

  isPackage = value: isAttrs value && value.type or null == "derivation";

  # As nixpkgs has it (lib/meta.nix): the lower wins. JSON knows no infinity.
  defaultPriority = 5;
  isPriority = value: (isInt value || isFloat value) && value > -1.0e9 && value < 1.0e9;

  describe =
    { attribute, value }:
    let
      derivation = try (
        seq value.drvPath {
          drv = value.drvPath;
          path = value.outPath;
        }
      );
      orElse =
        default: is: get:
        let
          got = tryEval (if is get then get else default);
        in
        if got.success then got.value else default;
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
    if !(isPackage value) then
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
          pname = orElse null isString (value.pname or null);
          mainProgram = orElse null isString (value.meta.mainProgram or null);
          priority = orElse defaultPriority isPriority (value.meta.priority or null);
        };
      }
    else if reasons != [ ] then
      {
        refused = { inherit attribute reasons; };
      }
    else
      { failed = { }; };

  resolve =
    { name, components }:
    let
      at = try (find components);
      item =
        if !at.success then
          { removed = { }; }
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

  look =
    { name, components }:
    let
      there = tryEval (isPackage ((find components).value or null));
    in
    {
      inherit name;
      there = there.success && there.value;
    };

  locate =
    { name, components }:
    let
      at = tryEval (
        let
          value = (find components).value or null;
        in
        if isPackage value && isString value.outPath then value.outPath else null
      );
    in
    {
      inherit name;
      path = if at.success then at.value else null;
    };

  resolved = map resolve asked.packages;
  missing = filter (one: one.item ? not_found) resolved;
  answer =
    if asked.mode == "look" then
      { items = map look asked.packages; }
    else if asked.mode == "locate" then
      { items = map locate asked.packages; }
    else
      {
        items = map (one: one.item) resolved;
        names = listToAttrs (
          map (one: {
            name = concatStringsSep "." one.item.not_found.attribute;
            value = one.siblings;
          }) missing
        );
      };
in
# Forced first: a source that is no package set fails also where nothing is asked of it.
seq set answer
