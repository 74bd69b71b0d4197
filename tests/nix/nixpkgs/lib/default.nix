# The part of nixpkgs' lib that dev shells of Rust projects use.
let
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    fromJSON
    genList
    getAttr
    hasAttr
    head
    intersectAttrs
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    readFile
    removeAttrs
    replaceStrings
    sort
    split
    stringLength
    substring
    tail
    toJSON
    toString
    trace
    typeOf
    ;

  lib = rec {
    inherit
      all
      any
      attrNames
      attrValues
      concatLists
      concatMap
      concatStringsSep
      elem
      elemAt
      filter
      foldl'
      fromJSON
      genList
      getAttr
      hasAttr
      head
      intersectAttrs
      isAttrs
      isBool
      isFloat
      isFunction
      isInt
      isList
      isPath
      isString
      length
      listToAttrs
      map
      mapAttrs
      readFile
      removeAttrs
      replaceStrings
      sort
      stringLength
      substring
      tail
      toJSON
      toString
      trace
      typeOf
      ;
    inherit (import ./modules.nix lib)
      evalModules
      mkAfter
      mkBefore
      mkDefault
      mkEnableOption
      mkForce
      mkIf
      mkMerge
      mkOption
      mkOptionDefault
      mkOptionType
      mergeEqualOption
      mkOrder
      mkOverride
      mkPackageOption
      types
      literalExpression
      ;

    # functions
    id = x: x;
    const = x: _: x;
    flip =
      f: a: b:
      f b a;
    pipe = foldl' (x: f: f x);
    compose =
      f: g: x:
      f (g x);
    fix =
      f:
      let
        x = f x;
      in
      x;
    extends =
      overlay: f: final:
      let
        prev = f final;
      in
      prev // overlay final prev;
    composeExtensions =
      f: g: final: prev:
      let
        first = f final prev;
      in
      first // g final (prev // first);
    composeManyExtensions = foldl' composeExtensions (_: _: { });
    functionArgs = f: if f ? __functor then f.__functionArgs or { } else builtins.functionArgs f;
    makeOverridable =
      f: args:
      let
        result = f args;
        override = new: makeOverridable f (args // (if isFunction new then new args else new));
      in
      if isAttrs result then
        result
        // {
          inherit override;
        }
        // optionalAttrs (result ? overrideAttrs) {
          overrideAttrs = g: makeOverridable (args: (f args).overrideAttrs g) args;
        }
      else
        result;
    callPackageWith =
      scope: file: args:
      let
        f = if isFunction file then file else import file;
      in
      makeOverridable f (intersectAttrs (functionArgs f) scope // args);
    importJSON = path: fromJSON (readFile path);
    importTOML = path: builtins.fromTOML (readFile path);
    fileContents = path: removeSuffix "\n" (readFile path);
    warn = message: trace "warning: ${message}";
    warnIf = condition: message: if condition then warn message else id;
    throwIf = condition: message: if condition then throw message else id;
    throwIfNot = condition: throwIf (!condition);
    assertMsg = condition: message: if condition then true else throw message;
    seq = builtins.seq;
    deepSeq = builtins.deepSeq;
    min = a: b: if a < b then a else b;
    max = a: b: if a > b then a else b;

    # attribute sets
    genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
    nameValuePair = name: value: { inherit name value; };
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    attrsToList = mapAttrsToList nameValuePair;
    concatMapAttrs = f: set: foldl' mergeAttrs { } (attrValues (mapAttrs f set));
    filterAttrs =
      keep: set:
      listToAttrs (
        concatMap (name: optional (keep name set.${name}) (nameValuePair name set.${name})) (attrNames set)
      );
    optionalAttrs = condition: set: if condition then set else { };
    mergeAttrs = a: b: a // b;
    mergeAttrsList = foldl' mergeAttrs { };
    recursiveUpdate =
      a: b:
      a
      // mapAttrs (
        name: value:
        if a ? ${name} && isAttrs a.${name} && isAttrs value && !isDerivation value then
          recursiveUpdate a.${name} value
        else
          value
      ) b;
    getAttrs = names: genAttrs' names;
    genAttrs' = names: set: genAttrs names (name: set.${name});
    attrByPath =
      path: default: set:
      if path == [ ] then
        set
      else if isAttrs set && set ? ${head path} then
        attrByPath (tail path) default set.${head path}
      else
        default;
    getAttrFromPath = path: attrByPath path (throw "cannot find attribute `${concatStringsSep "." path}'");
    hasAttrByPath = path: set: attrByPath path null set != null;
    setAttrByPath = path: value: foldl' (acc: name: { ${name} = acc; }) value (reverseList path);
    catAttrs = builtins.catAttrs;
    foldAttrs = f: nul: foldr (set: acc: acc // mapAttrs (name: v: f v (acc.${name} or nul)) set) { };
    zipAttrsWith = builtins.zipAttrsWith;
    recurseIntoAttrs = set: set // { recurseForDerivations = true; };
    isDerivation = x: isAttrs x && x.type or null == "derivation";
    cartesianProduct =
      sets: foldl' (acc: name: concatMap (a: map (v: a // { ${name} = v; }) sets.${name}) acc) [ { } ] (attrNames sets);

    # lists
    optional = condition: x: if condition then [ x ] else [ ];
    optionals = condition: xs: if condition then xs else [ ];
    singleton = x: [ x ];
    toList = x: if isList x then x else [ x ];
    flatten = x: if isList x then concatMap flatten x else [ x ];
    reverseList = xs: genList (i: elemAt xs (length xs - 1 - i)) (length xs);
    foldl = foldl';
    fold = foldr;
    foldr =
      f: nul: xs:
      foldl' (acc: x: f x acc) nul (reverseList xs);
    last = xs: elemAt xs (length xs - 1);
    init = xs: genList (elemAt xs) (length xs - 1);
    take = n: xs: genList (elemAt xs) (min n (length xs));
    drop = n: xs: genList (i: elemAt xs (i + n)) (max 0 (length xs - n));
    unique = foldl' (acc: x: if elem x acc then acc else acc ++ [ x ]) [ ];
    subtractLists = minus: filter (x: !elem x minus);
    intersectLists = xs: filter (x: elem x xs);
    remove = x: filter (y: y != x);
    findFirst =
      found: default: xs:
      let
        hits = filter found xs;
      in
      if hits == [ ] then default else head hits;
    partition = builtins.partition;
    groupBy = builtins.groupBy;
    range = from: to: genList (i: from + i) (max 0 (to - from + 1));
    imap0 = f: xs: genList (i: f i (elemAt xs i)) (length xs);
    imap1 = f: imap0 (i: f (i + 1));
    zipListsWith =
      f: a: b:
      genList (i: f (elemAt a i) (elemAt b i)) (min (length a) (length b));
    count = pred: xs: length (filter pred xs);
    naturalSort = sort builtins.lessThan;

    # strings
    optionalString = condition: text: if condition then text else "";
    concatStrings = concatStringsSep "";
    concatMapStrings = f: xs: concatStrings (map f xs);
    concatMapStringsSep =
      sep: f: xs:
      concatStringsSep sep (map f xs);
    concatLines = concatMapStrings (line: line + "\n");
    concatImapStringsSep =
      sep: f: xs:
      concatStringsSep sep (imap1 f xs);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    hasSuffix =
      suffix: text:
      let
        from = stringLength text - stringLength suffix;
      in
      from >= 0 && substring from (-1) text == suffix;
    hasInfix = infix: text: length (split (escapeRegex infix) text) > 1;
    removePrefix =
      prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
    removeSuffix =
      suffix: text:
      if hasSuffix suffix text then
        substring 0 (stringLength text - stringLength suffix) text
      else
        text;
    stringToCharacters = text: genList (i: substring i 1 text) (stringLength text);
    escape = chars: replaceStrings chars (map (c: "\\${c}") chars);
    escapeRegex = escape (stringToCharacters "\\[{()^$?*+|.");
    escapeShellArg = arg: "'${replaceStrings [ "'" ] [ "'\\''" ] (toString arg)}'";
    escapeShellArgs = concatMapStringsSep " " escapeShellArg;
    splitString = sep: text: filter isString (split (escapeRegex sep) text);
    lowerChars = stringToCharacters "abcdefghijklmnopqrstuvwxyz";
    upperChars = stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    toUpper = replaceStrings lowerChars upperChars;
    toLower = replaceStrings upperChars lowerChars;
    trim = text: head (match "[[:space:]]*(.*[^[:space:]])?[[:space:]]*" text);
    sanitizeDerivationName =
      text: concatMapStrings (part: if isList part then "-" else part) (split "[^[:alnum:]+._?=-]+" text);
    boolToString = b: if b then "true" else "false";
    versionOlder = a: b: builtins.compareVersions b a == 1;
    versionAtLeast = a: b: !versionOlder a b;
    getName = x: if isString x then (builtins.parseDrvName x).name else x.pname or (builtins.parseDrvName x.name).name;
    getVersion = x: if isString x then (builtins.parseDrvName x).version else x.version or (builtins.parseDrvName x.name).version;
    fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fakeSha256 = concatStrings (genList (_: "0") 64);

    # derivations
    getOutput = output: pkg: pkg.${output} or pkg.out or pkg;
    getBin = getOutput "bin";
    getLib = getOutput "lib";
    getDev = getOutput "dev";
    getExe = pkg: getExe' pkg (pkg.meta.mainProgram or (getName pkg));
    getExe' = pkg: name: "${getBin pkg}/bin/${name}";
    makeSearchPath = directory: pkgs: concatMapStringsSep ":" (pkg: "${pkg}/${directory}") (filter (p: p != null) pkgs);
    makeSearchPathOutput = output: directory: pkgs: makeSearchPath directory (map (getOutput output) pkgs);
    makeLibraryPath = makeSearchPathOutput "lib" "lib";
    makeBinPath = makeSearchPathOutput "bin" "bin";
    makeIncludePath = makeSearchPathOutput "dev" "include";

    # sources
    cleanSourceFilter = _: _: true;
    cleanSource = src: src;
    cleanSourceWith = { src, ... }: src;
    sourceByRegex = src: _: src;
    sourceFilesBySuffices = src: _: src;
    sources = {
      inherit
        cleanSource
        cleanSourceWith
        sourceByRegex
        sourceFilesBySuffices
        ;
    };
    fileset = {
      toSource = { root, ... }: root;
      unions = xs: xs;
      union = a: b: [ a b ];
      difference = a: _: a;
      intersection = a: _: a;
      maybeMissing = x: x;
      fileFilter = _: x: x;
      gitTracked = x: x;
      fromSource = x: x;
    };

    systems = {
      flakeExposed = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
        "riscv64-linux"
      ];
      doubles = {
        all = systems.flakeExposed;
        linux = filter (hasSuffix "-linux") systems.flakeExposed;
        darwin = filter (hasSuffix "-darwin") systems.flakeExposed;
      };
      elaborate =
        system:
        let
          name = system.system or system;
          parts = splitString "-" name;
          cpu = head parts;
          kernel = last parts;
          vendor = if kernel == "darwin" then "apple" else "unknown";
          abi = if kernel == "linux" then "-gnu" else "";
        in
        {
          system = name;
          canExecute = other: other.system == name;
          isLinux = kernel == "linux";
          isDarwin = kernel == "darwin";
          isUnix = true;
          isWindows = false;
          isMusl = false;
          isGnu = kernel == "linux";
          isStatic = false;
          isx86_64 = cpu == "x86_64";
          isx86 = cpu == "x86_64";
          isAarch64 = cpu == "aarch64";
          isAarch = cpu == "aarch64";
          is64bit = true;
          is32bit = false;
          parsed = {
            cpu.name = cpu;
            kernel.name = kernel;
          };
          config = "${cpu}-${vendor}-${kernel}${abi}";
          rust = rec {
            rustcTarget = "${cpu}-${vendor}-${kernel}${abi}";
            rustcTargetSpec = rustcTarget;
            cargoEnvVarTarget = replaceStrings [ "-" ] [ "_" ] (toUpper rustcTarget);
          };
          extensions = {
            executable = "";
            sharedLibrary = if kernel == "darwin" then ".dylib" else ".so";
          };
        };
    };
    platforms = {
      all = systems.doubles.all;
      unix = systems.doubles.all;
      linux = systems.doubles.linux;
      darwin = systems.doubles.darwin;
    };
    meta = {
      inherit getExe getExe';
      availableOn = platform: pkg: elem platform.system (pkg.meta.platforms or platforms.all);
    };
    licenses = genAttrs [
      "agpl3Only"
      "agpl3Plus"
      "apsl20"
      "asl20"
      "bsd2"
      "bsd3"
      "cc0"
      "gpl2Only"
      "gpl2Plus"
      "gpl3"
      "gpl3Only"
      "gpl3Plus"
      "isc"
      "lgpl21Plus"
      "lgpl3Plus"
      "mit"
      "mpl20"
      "unfree"
      "unlicense"
      "wtfpl"
      "zlib"
    ] (name: { shortName = name; });
    maintainers = { };
    teams = { };
    generators.toPretty = _: builtins.toJSON;

    # the same by topic
    trivial = lib;
    attrsets = lib;
    lists = lib;
    strings = lib;
    modules = lib;
    options = lib;
    customisation = lib;
    fixedPoints = lib;
    asserts = lib;
    path.append = root: sub: root + "/${sub}";
  };
in
lib
