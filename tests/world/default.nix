# What the flakes of the fuzzer get as inputs: stubs whose shells are plain sets, so that an
# edit can be judged by what a shell becomes. Stricter than nixpkgs nowhere, laxer almost everywhere.
# `hook` is what sccfg's own `lib.shellHook` gives.
{ flake, shell, hook ? "" }:
let
  inherit (builtins) attrValues functionArgs intersectAttrs isFunction isList listToAttrs mapAttrs;

  lib = {
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: value: if condition then value else [ ];
    optionalString = condition: value: if condition then value else "";
    optionalAttrs = condition: value: if condition then value else { };
    genAttrs = names: f: listToAttrs (map (name: { inherit name; value = f name; }) names);
    getExe = package: "${package}/bin/${package.pname}";
    mkForce = value: value;
    mkDefault = value: value;
    mkAfter = value: value;
    mkIf = condition: value: value;
    inherit mapAttrs;
  };

  package = name: mkShell { pname = name; } // { pname = name; outPath = "/${name}"; };

  mkShell =
    given:
    let
      attrs = if isFunction given then given attrs else given;
      both = intersectAttrs (attrs.env or { }) (removeAttrs attrs [ "env" ]);
    in
    if both != { } then
      throw "both in env and beside it: ${toString (builtins.attrNames both)}"
    else
      {
        type = "derivation";
        outPath = "/shell";
        inherit attrs;
        overrideAttrs =
          f:
          let
            changed = f attrs;
          in
          mkShell (attrs // (if isFunction changed then f attrs attrs else changed));
      };

  overridable = { __functor = _: mkShell; override = _: mkShell; };

  call =
    given: args:
    let
      f = if builtins.isPath given then import given else given;
    in
    if isFunction f then f (intersectAttrs (functionArgs f) args // args) else f;

  # One module of all that a module imports.
  merged =
    given:
    let
      module = call given { inherit pkgs lib; };
    in
    builtins.foldl' (
      all: one:
      all // one // { env = all.env or [ ] ++ one.env or [ ]; devshell = all.devshell or { } // one.devshell or { }; }
    ) module (map merged (module.imports or [ ]));

  devshell =
    given:
    let
      module = merged given;
      startup = (module.devshell or { }).startup or { };
      variable = it: { inherit (it) name; value = it.value or it.eval; };
      names = map (it: it.name) (module.env or [ ]);
      twice = builtins.filter (name: builtins.length (builtins.filter (it: it == name) names) > 1) names;
    in
    if twice != [ ] then
      throw "twice: ${toString twice}"
    else
      mkShell {
        env = listToAttrs (map variable (module.env or [ ]));
        shellHook = builtins.concatStringsSep "\n" (map (it: it.text) (attrValues startup));
      };

  devenv =
    modules:
    let
      parts =
        given:
        let
          module = call given { inherit pkgs lib; };
        in
        if isList given then
          builtins.concatMap parts given
        else
          [ module ] ++ builtins.concatMap parts (module.imports or [ ]);
      called = builtins.concatMap parts modules;
      merge = all: one:
        let
          both = intersectAttrs all one;
        in
        if both != { } then throw "twice: ${toString (builtins.attrNames both)}" else all // one;
    in
    mkShell {
      env = builtins.foldl' merge { } (map (module: module.env or { }) called);
      shellHook = builtins.concatStringsSep "\n" (map (module: module.enterShell or "") called);
    };

  pkgs = {
    inherit lib system pkgs;
    RUSTC_WRAPPER = "sccache";
    mkShell = overridable;
    mkShellNoCC = overridable;
    devshell.mkShell = devshell;
    stdenv = { isLinux = true; isDarwin = false; mkDerivation = mkShell; hostPlatform.system = system; };
    rustPlatform.buildRustPackage = mkShell;
    rust-bin.stable.latest.default = package "rust";
    callPackage =
      file: args:
      let
        f = if isFunction file then file else import file;
      in
      f (intersectAttrs (functionArgs f) pkgs // args);
  }
  // lib.genAttrs [ "cargo" "clangStdenv" "hello" "openssl" "pkg-config" "rustc" "sccache" ] package;

  system = "x86_64-linux";

  eachSystem = _: f: mapAttrs (_: value: { ${system} = value; }) (f system);

  mkFlake =
    _: given:
    let
      module = call given { inherit inputs lib; };
      args = {
        inherit pkgs lib system;
        config = { pre-commit.installationScript = "pre-commit"; };
        self' = self.packages.${system};
        inputs' = mapAttrs (_: input: { packages = input.packages.${system}; }) (
          intersectAttrs { sccfg = null; } inputs
        );
      };
      per = call module.perSystem args;
    in
    {
      devShells.${system} =
        mapAttrs (_: devshell) (per.devshells or { })
        // mapAttrs (_: it: devenv [ it ]) ((per.devenv or { }).shells or { })
        // per.devShells or { };
      packages.${system} = per.packages or { } // { packages.default = package "own"; };
    }
    // module.flake or { };

  # A flake gets what it declares, and what its arguments name.
  own = import (flake + "/flake.nix");
  inputs = intersectAttrs ({ self = null; } // own.inputs or { } // functionArgs own.outputs) {
    inherit self;
    nixpkgs = { outPath = toString ./nixpkgs; inherit lib; legacyPackages.${system} = pkgs; };
    flake-utils.lib = { inherit eachSystem; eachDefaultSystem = eachSystem [ ]; };
    flake-parts.lib = { inherit mkFlake; };
    devenv = { lib.mkShell = given: devenv given.modules; flakeModule = { }; };
    devshell = { flakeModule = { }; overlays.default = { }; };
    rust-overlay.outPath = toString ./nixpkgs;
    naersk.lib.${system}.buildPackage = mkShell;
    crane.mkLib = _: { devShell = mkShell; buildPackage = mkShell; };
    sccfg = { packages.${system}.default = package "sccfg"; lib.shellHook = _: hook; };
  };

  outputs = own.outputs inputs;
  self = outputs // { outPath = flake; inherit outputs inputs; };

  shells = outputs.devShells.${system} or { };
  found = shells.${shell} or outputs.devShell.${system};
  inherit (found) attrs;
  variables = removeAttrs (attrs // attrs.env or { }) [ "env" "shellHook" ];
  simple = value: if isList value || builtins.isAttrs value || isFunction value then "" else toString value;
in
{
  hook = attrs.shellHook or "";
  variables = mapAttrs (_: simple) variables;
  inherit pkgs;
}
