/*
  The flake's `lib`: the shell hook and the variables that `sccfg init` would write, for dev shells of any
  kind. `warnSize` is replaced by modules, which warn with the names of their options.
*/
{
  lib,
  warnSize ? (import ./common.nix { inherit lib; }).warnSize "`size`",
}:
let
  common = import ./common.nix { inherit lib; };
  template = builtins.readFile ../templates/hook.sh;

  # Checks an argument with the type of the option of that name.
  checked =
    function: name: type: value:
    lib.throwIfNot (type.check value)
      "sccfg.lib.${function}: `${name}` is ${lib.generators.toPretty { } value}; expected ${type.description}."
      value;

  # The packages that run on this machine: `pkgs`, which may have a sccache of its own, unless it is for another platform.
  runningHere =
    pkgs:
    let
      inherit (pkgs.stdenv) buildPlatform hostPlatform;
    in
    if buildPlatform.config == hostPlatform.config then pkgs else pkgs.buildPackages;

  # sccfg from an overlay, or built with `pkgs`.
  sccfgFor =
    pkgs:
    let
      here = runningHere pkgs;
    in
    here.sccfg or (here.callPackage ../package.nix { });

  # `sccfg`, or the default package if the portable wrapper needs one.
  orNeeded =
    pkgs: wrapper: sccfg:
    if sccfg == null && wrapper == "portable" then sccfgFor pkgs else sccfg;
in
rec {
  inherit runningHere sccfgFor;

  /*
    The text of the shell hook, to be put first in `shellHook` or `enterShell`.

    shellHook { size = "24GiB"; incremental = "auto"; }
  */
  shellHook =
    {
      size ? null,
      incremental ? "off",
    }:
    let
      bytes = common.sizeToBytes (checked "shellHook" "size" common.types.size size);
      hasSize = size != null;
      sccacheSize = common.sccacheSize (warnSize bytes);
      conditions = [
        (checked "shellHook" "incremental" common.types.incremental incremental)
        (if hasSize then "size" else "no-size")
      ];
      # The same as `HookText::render` in src/hook_text.rs: a line that starts with `@NAME` is kept only if
      # NAME is a condition that holds.
      keep =
        line:
        let
          conditional = builtins.match "@([^ ]+) (.*)" line;
        in
        if conditional == null then
          [ line ]
        else
          lib.optional (lib.elem (builtins.elemAt conditional 0) conditions) (
            builtins.elemAt conditional 1
          );
    in
    builtins.replaceStrings
      [
        "{{ options }}"
        "{{ size }}"
      ]
      [
        (" --incremental=${incremental}" + lib.optionalString hasSize " --size=${sccacheSize}")
        (lib.optionalString hasSize sccacheSize)
      ]
      (lib.concatStringsSep "\n" (lib.concatMap keep (lib.splitString "\n" template)));

  /*
    The variables of the shell.

    shellEnv { inherit pkgs; } is { RUSTC_WRAPPER = "/nix/store/…-sccache/bin/sccache"; CARGO_INCREMENTAL = "0"; }
  */
  shellEnv =
    {
      pkgs,
      sccfg ? null,
      sccache ? (runningHere pkgs).sccache,
      wrapper ? "sccache",
      incremental ? "off",
      linker ? "system",
    }:
    let
      real = lib.getExe' sccache "sccache";
      # As `linker_flags` in crates/nix-shell-edit/src/change/shell_settings.rs, which says why.
      here = runningHere pkgs;
      linkers = {
        mold = if here ? mold-unwrapped then here.mold else here.mold-wrapped;
        lld = here.llvmPackages.bintools;
        inherit (here) wild;
      };
      inherit (pkgs.stdenv) cc;
      isKnown = linker != "wild" || cc.isClang || lib.versionAtLeast cc.version "16";
    in
    (
      if checked "shellEnv" "wrapper" common.types.wrapper wrapper == "portable" then
        {
          RUSTC_WRAPPER = "${lib.getBin (orNeeded pkgs wrapper sccfg)}/libexec/sccfg/sccache";
          SCCFG_SCCACHE = real;
        }
      else
        { RUSTC_WRAPPER = real; }
    )
    //
      lib.optionalAttrs (checked "shellEnv" "incremental" common.types.incremental incremental == "off")
        { CARGO_INCREMENTAL = "0"; }
    //
      lib.optionalAttrs (checked "shellEnv" "linker" common.types.linker linker != "system")
        {
          NIX_CFLAGS_LINK = lib.optionalString pkgs.stdenv.hostPlatform.isLinux (
            if isKnown then
              "-fuse-ld=${linker} -B${linkers.${linker}}/bin"
            else
              lib.warn "wild links with clang, or GCC 16 or newer" ""
          );
        };

  # The packages of the shell.
  shellPackages =
    {
      pkgs,
      sccfg ? null,
      sccache ? (runningHere pkgs).sccache,
      wrapper ? "sccache",
    }:
    [ sccache ] ++ lib.filter (package: package != null) [ (orNeeded pkgs wrapper sccfg) ];

  /*
    Adds everything to a shell: `withSccache { inherit pkgs; size = "24GiB"; } (pkgs.mkShell { … })`. The
    variables of the shell are replaced, the linker is added to its `NIX_CFLAGS_LINK`, and its own hook runs after this
    one. Idempotent.
  */
  withSccache =
    {
      pkgs,
      sccfg ? null,
      sccache ? (runningHere pkgs).sccache,
      size ? null,
      incremental ? "off",
      wrapper ? "sccache",
      linker ? "system",
    }:
    let
      hook = shellHook { inherit size incremental; };
      variables = shellEnv {
        inherit
          pkgs
          sccfg
          sccache
          wrapper
          incremental
          linker
          ;
      };
      packages = shellPackages {
        inherit
          pkgs
          sccfg
          sccache
          wrapper
          ;
      };
      add =
        old:
        let
          # The linker is added to the flags of the shell.
          flags = old.NIX_CFLAGS_LINK or old.env.NIX_CFLAGS_LINK or null;
          linking = lib.optionalAttrs (variables ? NIX_CFLAGS_LINK && flags != null) {
            NIX_CFLAGS_LINK =
              let
                own = toString flags;
                ours = variables.NIX_CFLAGS_LINK;
              in
              if lib.hasSuffix ours own then own else "${own} ${ours}";
          };
          all = variables // linking;
          # A variable outside of `env` is replaced there, because nixpkgs refuses one that is set twice.
          outside = builtins.intersectAttrs old all;
          inputs = old.nativeBuildInputs or [ ];
          ownHook = if old.shellHook or null == null then "" else old.shellHook;
          # A value for another policy would contradict the hook, which unsets the variable.
          stale = lib.optional (!variables ? CARGO_INCREMENTAL) "CARGO_INCREMENTAL";
        in
        outside
        // lib.genAttrs (lib.filter (name: old ? ${name}) stale) (_: null)
        // {
          env = removeAttrs (old.env or { }) stale // removeAttrs all (lib.attrNames outside);
          nativeBuildInputs = inputs ++ lib.filter (package: !lib.elem package inputs) packages;
          shellHook = if lib.hasPrefix hook ownHook then ownHook else hook + ownHook;
        };
    in
    shell:
    if shell ? overrideAttrs then
      shell.overrideAttrs add
    else
      throw "sccfg.lib.withSccache: the shell ${shell.name or "given"} has no overrideAttrs. For a shell of numtide's devshell, use `imports = [ sccfg.devshellModules.default ]; sccfg.enable = true;`.";
}
