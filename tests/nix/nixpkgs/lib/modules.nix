# The module system, as far as flake-parts, devshell and devenv need it: imports, options with
# types, several definitions merged, `mkIf`, `mkMerge`, priorities and order, and an error for an
# option that nobody declares.
lib:
let
  inherit (builtins) attrNames concatMap concatStringsSep elem filter foldl' head isAttrs isFunction isList length map mapAttrs;
  inherit (lib) isDerivation optional;

  show = path: "`${concatStringsSep "." path}'";
  isOption = x: isAttrs x && x._type or null == "option";
  isWrapped = x: isAttrs x && elem (x._type or null) [ "if" "merge" "override" "order" ];

  # One definition, freed of mkIf, mkMerge, mkForce and mkBefore: a list of { value; priority; order; }.
  discharge =
    value:
    if !isWrapped value then
      [
        {
          inherit value;
          priority = 100;
          order = 1000;
        }
      ]
    else if value._type == "if" then
      if value.condition then discharge value.content else [ ]
    else if value._type == "merge" then
      concatMap discharge value.contents
    else if value._type == "override" then
      map (def: def // { inherit (value) priority; }) (discharge value.content)
    else
      map (def: def // { inherit (value) order; }) (discharge value.content);

  # The values that count, in order.
  winners =
    values:
    let
      defs = concatMap discharge values;
      best = foldl' (acc: def: lib.min acc def.priority) 9999 defs;
    in
    map (def: def.value) (
      builtins.sort (a: b: a.order < b.order) (filter (def: def.priority == best) defs)
    );

  # The sets that a module's config comes to. Their values wait for their conditions, which may
  # depend on other values.
  pushDown =
    value:
    if !isWrapped value then
      [ value ]
    else if value._type == "merge" then
      concatMap pushDown value.contents
    else
      map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content);

  # A second declaration may add what the first has not, as long as the type is the same.
  mergeTwice =
    path: a: b:
    let
      both = filter (name: a ? ${name} && b ? ${name}) [ "default" "description" "example" "apply" ];
    in
    if both == [ ] && a.type.description == b.type.description then
      a // b
    else
      throw "The option ${show path} is declared twice.";

  # Declarations of one option in several modules: modules-as-values may be added to.
  mergeOptions =
    path: a: b:
    if isOption a && isOption b then
      if a.type.statics or null != null && b.type.statics or null != null then
        a // { type = types.deferredModuleWith { staticModules = a.type.statics ++ b.type.statics; }; }
      else
        mergeTwice path a b
    else
      a
      // mapAttrs (name: value: if a ? ${name} then mergeOptions (path ++ [ name ]) a.${name} value else value) b;

  # A module, whatever its form, as { imports; options; config; }.
  normalise =
    module:
    if module ? config || module ? options then
      {
        imports = module.imports or [ ];
        options = module.options or { };
        config = module.config or { };
      }
    else
      {
        imports = module.imports or [ ];
        options = { };
        config = builtins.removeAttrs module [ "imports" "_file" "key" "_class" "disabledModules" ];
      };

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
      freeform ? null,
      ...
    }:
    let
      call =
        module:
        if builtins.isPath module || builtins.isString module then
          call (import module)
        else if isFunction module || module ? __functor then
          let
            named = lib.functionArgs module;
            arg = name: specialArgs.${name} or (result._module.args.${name} or (throw "a module wants the argument `${name}', which is not there"));
          in
          call (
            module (
              { inherit lib options; config = result; }
              // specialArgs
              // mapAttrs (name: _: if name == "config" then result else if name == "lib" then specialArgs.lib or lib else if name == "options" then options else arg name) (
                lib.filterAttrs (name: optional: !optional || specialArgs ? ${name} || elem name [ "config" "lib" "options" "pkgs" "system" ]) named
              )
            )
          )
        else
          module;
      collect =
        module:
        let
          it = normalise (call module);
        in
        concatMap collect it.imports ++ [ it ];
      all = concatMap collect modules;
      options = foldl' (mergeOptions prefix) {
        _module.args = mkOption {
          type = types.lazyAttrsOf types.raw;
          default = { };
        };
        _module.check = mkOption {
          type = types.bool;
          default = true;
        };
      } (map (m: m.options) all);
      defs = concatMap (m: pushDown m.config) all;
      result = evalTree prefix freeform options defs;
    in
    {
      config = result;
      inherit options;
    };

  evalTree =
    path: freeform: options: defs:
    let
      named = name: concatMap (def: optional (def ? ${name}) def.${name}) defs;
      unknown = filter (name: !options ? ${name}) (attrNames (foldl' (a: b: a // b) { } defs));
      at =
        name:
        let
          here = path ++ [ name ];
          option = options.${name};
        in
        if isOption option then evalOption here option (named name) else evalTree here null option (concatMap pushDown (named name));
    in
    # Only the top has `_module`.
    if freeform == null && unknown != [ ] && builtins.all (def: def._module.check or true) defs then
      throw "The option ${show (path ++ [ (head unknown) ])} does not exist."
    else
      (if freeform == null then { } else freeform.merge path (map (def: builtins.intersectAttrs (lib.genAttrs unknown (_: null)) def) defs))
      // mapAttrs (name: _: at name) options;

  evalOption =
    path: option: values:
    let
      found = winners values;
      value =
        if found != [ ] then
          option.type.merge path found
        else if option ? default then
          # An option of modules has something to merge without any definition too.
          if option.type ? statics || option.type.name == "submodule" then option.type.merge path [ option.default ] else option.default
        else if option.type ? empty then
          option.type.empty path
        else
          throw "The option ${show path} was accessed but has no value defined. Try setting the option.";
    in
    (option.apply or (x: x)) value;

  literalExpression = text: { _type = "literalExpression"; inherit text; };

  mkOption = attrs: { _type = "option"; type = types.unspecified; } // attrs;

  checked =
    name: check: merge: {
      inherit name check;
      description = name;
      # Nothing is merged before all is known to be of the type.
      merge =
        path: values:
        builtins.foldl' (
          acc: value: if check value then acc else throw "A definition for option ${show path} is not of type `${name}'."
        ) (values: merge path values) values values;
    };

  # A type as modules define their own: definitions are sets with a `value`.
  mkOptionType =
    { name, description ? name, check ? _: true, merge ? mergeEqualOption, ... }:
    checked description check (
      path: values: merge path (map (value: { inherit value; file = "a module"; }) values)
    )
    // { inherit name; };
  mergeEqualOption = path: defs: one path (map (def: def.value) defs);
  one =
    path: values:
    if length values == 1 then
      head values
    else if builtins.all (value: value == head values) values then
      head values
    else
      throw "The option ${show path} has conflicting definition values.";
  last = _: values: lib.last values;
  scalar = name: check: checked name check one;

  # Sets merged deeply, lists appended, everything else once.
  mergeAny =
    path: values:
    if length values == 1 then
      head values
    else if builtins.all (v: isAttrs v && !isDerivation v) values then
      mergeAttrsOf mergeAny path values
    else if builtins.all isList values then
      builtins.concatLists values
    else
      one path values;
  mergeAttrsOf =
    merge: path: values:
    let
      at = name: winners (concatMap (v: optional (v ? ${name}) v.${name}) values);
      names = filter (name: at name != [ ]) (attrNames (foldl' (a: b: a // b) { } values));
    in
    lib.genAttrs names (name: merge (path ++ [ name ]) (at name));

  mergeLazyAttrsOf =
    merge: path: values:
    mapAttrs (
      name: _: merge (path ++ [ name ]) (winners (concatMap (v: optional (v ? ${name}) v.${name}) values))
    ) (foldl' (a: b: a // b) { } values);

  # The options below one of this type, for documents.
  subOptions = type: type.getSubOptions or (_: { });

  types = rec {
    unspecified = { name = "unspecified"; description = "unspecified value"; merge = mergeAny; check = _: true; };
    anything = unspecified // { name = "anything"; description = "anything"; };
    raw = { name = "raw"; description = "raw value"; merge = one; check = _: true; };
    unique = _: type: type;
    str = scalar "string" builtins.isString;
    nonEmptyStr = str;
    singleLineStr = str;
    strMatching =
      pattern:
      scalar "string matching the pattern ${pattern}" (x: builtins.isString x && builtins.match pattern x != null);
    bool = scalar "boolean" builtins.isBool;
    int = scalar "signed integer" builtins.isInt;
    port = int;
    ints = mapAttrs (_: type: type // { inParentheses = true; }) {
      unsigned = scalar "unsigned integer, meaning >=0" (x: builtins.isInt x && x >= 0);
      positive = scalar "positive integer, meaning >0" (x: builtins.isInt x && x > 0);
    };
    float = scalar "floating point number" builtins.isFloat;
    number = scalar "number" (x: builtins.isInt x || builtins.isFloat x);
    path = scalar "absolute path" (x: builtins.isPath x || isDerivation x || builtins.isString x);
    package = scalar "package" (x: isDerivation x || builtins.isString x || builtins.isPath x) // { merge = last; };
    shellPackage = package;
    pkgs = raw;
    enum = values: scalar "one of ${concatStringsSep ", " (map builtins.toJSON values)}" (x: elem x values);
    lines = separatedString "\n";
    commas = separatedString ",";
    envVar = separatedString ":";
    separatedString = sep: checked "strings concatenated with ${builtins.toJSON sep}" builtins.isString (_: concatStringsSep sep);
    attrs = checked "attribute set" isAttrs (_: foldl' (a: b: a // b) { });
    attrsOf = type: checked "attribute set of ${type.description}" isAttrs (mergeAttrsOf type.merge) // { empty = _: { }; getSubOptions = path: subOptions type (path ++ [ "<name>" ]); };
    # Keeps a name whose every definition is switched off, but looks at no value before it is used.
    lazyAttrsOf = type: checked "lazy attribute set of ${type.description}" isAttrs (mergeLazyAttrsOf type.merge) // { empty = _: { }; };
    listOf =
      type:
      checked "list of ${type.description}" isList (
        path: values: lib.imap0 (i: value: type.merge (path ++ [ "[${toString i}]" ]) [ value ]) (builtins.concatLists values)
      )
      // { empty = _: [ ]; getSubOptions = path: subOptions type (path ++ [ "*" ]); };
    nonEmptyListOf = listOf;
    nullOr =
      type:
      checked "null or ${if type.inParentheses or false then "(${type.description})" else type.description}" (x: x == null || type.check x) (
        path: values: if builtins.all (v: v == null) values then null else type.merge path values
      )
      // { name = "nullOr"; getSubOptions = subOptions type; };
    either = a: b: {
      name = "either";
      description = "${a.description} or ${b.description}";
      check = x: a.check x || b.check x;
      merge = path: values: if builtins.all a.check values then a.merge path values else b.merge path values;
    };
    oneOf = alternatives: foldl' either (head alternatives) (builtins.tail alternatives);
    coercedTo = from: f: to: to // {
      name = "coercedTo";
      description = "${to.description} or ${from.description} convertible to it";
      check = x: from.check x || to.check x;
      merge = path: values: to.merge path (map (v: if from.check v then f v else v) values);
    };
    functionTo = type: { name = "functionTo"; description = "function that evaluates to a(n) ${type.description}"; check = isFunction; merge = path: fs: arg: type.merge path (map (f: f arg) fs); };
    submodule = modules: submoduleWith { modules = lib.toList modules; };
    submoduleWith =
      { modules, specialArgs ? { }, freeform ? null, ... }:
      {
        name = "submodule";
        description = "submodule";
        inParentheses = true;
        check = x: isAttrs x || isFunction x || builtins.isPath x;
        getSubOptions = path: (evalModules { inherit modules; prefix = path; }).options;
        merge =
          path: values:
          (evalModules {
            inherit freeform;
            prefix = path;
            modules = modules ++ values;
            specialArgs = { name = lib.last path; } // specialArgs;
          }).config;
      };
    deferredModule = deferredModuleWith { staticModules = [ ]; };
    deferredModuleWith =
      { staticModules }:
      {
        name = "deferredModule";
        description = "module";
        check = _: true;
        statics = staticModules;
        merge = _: values: { imports = staticModules ++ values; };
      };
  };
in
{
  inherit evalModules mkOption types;
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkForce = content: { _type = "override"; priority = 50; inherit content; };
  mkDefault = content: { _type = "override"; priority = 1000; inherit content; };
  mkOptionDefault = content: { _type = "override"; priority = 1500; inherit content; };
  mkOrder = order: content: { _type = "order"; inherit order content; };
  mkBefore = content: { _type = "order"; order = 500; inherit content; };
  mkAfter = content: { _type = "order"; order = 1500; inherit content; };
  mkEnableOption = name: mkOption {
    type = types.bool;
    default = false;
    example = true;
    description = "Whether to enable ${name}.";
  };
  mkPackageOption =
    pkgs: name: { nullable ? false, extraDescription ? "", ... }:
    mkOption {
      type = if nullable then types.nullOr types.package else types.package;
      default = pkgs.${name};
      defaultText = literalExpression "pkgs.${name}";
      description = "The ${name} package to use." + lib.optionalString (extraDescription != "") " ${extraDescription}";
    };
  inherit literalExpression mkOptionType mergeEqualOption;
}
