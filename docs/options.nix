# docs/options.md, from the modules: scripts/options-doc writes it, the check `options-doc` compares.
{ lib }:
let
  # What the declarations of the options look at, and no more: a document is for every system.
  pkgs = {
    formats.toml = _: { type = lib.types.anything; };
    stdenv.hostPlatform = {
      isDarwin = false;
      isLinux = true;
    };
  };
  perSystem = import ../modules/flake-parts.nix { flake-parts-lib.mkPerSystemOption = lib.id; };

  # Each with its title, the output of the flake that has it, the module, and where its options stand.
  sections = [
    (section "flake-parts" "flakeModules" perSystem.options.perSystem "perSystem.sccfg")
    (section "devenv" "devenvModules" ../modules/devenv.nix "sccfg")
    (section "numtide's devshell" "devshellModules" ../modules/devshell.nix "sccfg")
    (section "home-manager" "homeModules" ../modules/home-manager.nix "programs.sccache")
    (section "NixOS" "nixosModules" ../modules/nixos.nix "programs.sccache")
    (section "nix-darwin" "darwinModules" ../modules/nix-darwin.nix "programs.sccache")
  ];

  # A value as it is written in Nix.
  show =
    value:
    if value == null then
      "null"
    else if builtins.isList value then
      "[ ${lib.concatMapStrings (item: "${show item} ") value}]"
    else if builtins.isAttrs value then
      "{ ${lib.concatStrings (lib.mapAttrsToList (name: item: "${name} = ${show item}; ") value)}}"
    else
      builtins.toJSON value;
  written = value: if builtins.isAttrs value && value ? _type then value.text else show value;

  # The options of a tree, with those of its submodules.
  collect =
    path: tree:
    lib.concatMap (
      name:
      let
        here = path ++ [ name ];
        it = tree.${name};
        below = (it.type.getSubOptions or (_: { })) here;
      in
      if it._type or null != "option" then
        collect here it
      else if it.internal or false || !(it.visible or true) then
        [ ]
      else
        [ (entry here it) ] ++ collect here below
    ) (lib.filter (name: name != "_module" && name != "_freeformOptions") (lib.attrNames tree));

  # Without the marks that say whether a word is an option, a file and so on.
  marks = [
    "{command}"
    "{env}"
    "{file}"
    "{manpage}"
    "{option}"
  ];
  unmarked = lib.replaceStrings marks (map (_: "") marks);

  line = name: value: "- ${name}: `${lib.replaceStrings [ "\n" ] [ " " ] value}`\n";
  entry =
    path: option:
    "### `${lib.concatStringsSep "." path}`\n\n"
    + "${unmarked (lib.removeSuffix "\n" (option.description.text or option.description))}\n\n"
    + "- type: ${option.type.description}${lib.optionalString (option.readOnly or false) ", read-only"}\n"
    + lib.optionalString (option ? defaultText || option ? default) (
      line "default" (written (option.defaultText or option.default))
    )
    + lib.optionalString (option ? example) (line "example" (written option.example))
    + "\n";

  section =
    title: output: module: path:
    let
      evaluated = lib.evalModules {
        modules = [
          module
          {
            _module.args = { inherit pkgs; };
            _module.check = false;
          }
        ];
      };
      # What is per system has no `perSystem` around it.
      at = lib.splitString "." (lib.removePrefix "perSystem." path);
    in
    "## ${title}: `${path}`\n\nFrom `sccfg.${output}.default`.\n\n"
    + lib.concatStrings (
      collect (lib.splitString "." path) (lib.getAttrFromPath at evaluated.options)
    );
in
''
  # Options of the Nix modules

  Written by `scripts/options-doc` from `modules/`. Not to be edited by hand.

''
+ lib.removeSuffix "\n" (lib.concatStrings sections)
