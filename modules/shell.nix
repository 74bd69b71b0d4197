# Shared by the modules for dev shells: options, packages and wrapping.
{ lib, pkgs }:
let
  common = import ./common.nix { inherit lib; };
  sccfgLib = import ./lib.nix {
    inherit lib;
    warnSize = size: size;
  };
  inherit (lib) mkOption types literalExpression;
in
{
  options = cfg: {
    enable = lib.mkEnableOption "sccache for the Rust builds of this shell";

    package = mkOption {
      type = types.nullOr types.package;
      default = if cfg.wrapper == "portable" then sccfgLib.sccfgFor pkgs else null;
      defaultText = literalExpression ''if wrapper == "portable" then sccfg else null'';
      example = literalExpression "inputs.sccfg.packages.\${system}.default";
      description = ''
        The package of sccfg to add to the shell. With `null`, the hook uses the sccfg on `PATH` if there
        is one, and otherwise only sets the variables and does not supervise the server.
      '';
    };

    sccache = lib.mkPackageOption (sccfgLib.runningHere pkgs) "sccache" { };

    incremental = mkOption {
      type = common.types.incremental;
      default = "off";
      description = ''
        The policy for incremental compilation, which sccache does not cache. `off` sets
        `CARGO_INCREMENTAL=0`: every library is cached. `workspace` leaves the variable unset: workspace
        members are compiled incrementally. `auto` is `workspace` in the primary checkout and `off` in
        linked worktrees. If sccfg is on `PATH`, a `sccfg.toml` in the repository takes precedence.
      '';
    };

    wrapper = mkOption {
      type = common.types.wrapper;
      default = "sccache";
      description = ''
        The program in `RUSTC_WRAPPER`: `sccache`, or sccfg's `portable` wrapper, which runs sccache with
        keys that are the same in every worktree. A `sccfg.toml` in the repository takes precedence.
      '';
    };

    linker = mkOption {
      type = common.types.linker;
      default = "system";
      example = "mold";
      description = ''
        The program that links on Linux: `system` is the one of the compiler, `mold`, `lld` and `wild` link large
        programs faster. It is passed in `NIX_CFLAGS_LINK`, which nixpkgs' wrapper of the compiler reads, so that C and
        C++ are linked by it as well. `wild` requires clang, or GCC 16 or newer.
      '';
    };

    cache.size = mkOption {
      type = types.nullOr common.types.size;
      default = null;
      example = "24GiB";
      description = ''
        The cache size to request on a machine without a config file of sccache, with a unit or as a
        number of bytes.
      '';
    };

    shellHook = mkOption {
      type = types.str;
      readOnly = true;
      description = "The text of the hook, for shells that this module does not configure.";
      default = sccfgLib.shellHook {
        inherit (cfg) incremental;
        inherit (cfg.cache) size;
      };
      defaultText = literalExpression "templates/hook.sh, with these settings in it";
    };

    env = mkOption {
      type = types.attrsOf types.str;
      readOnly = true;
      description = "The variables, for shells that this module does not configure.";
      default = sccfgLib.shellEnv {
        inherit pkgs;
        sccfg = cfg.package;
        inherit (cfg) sccache wrapper incremental linker;
      };
      defaultText = literalExpression "{ RUSTC_WRAPPER = …; CARGO_INCREMENTAL = \"0\"; }";
    };
  };

  packages =
    cfg:
    sccfgLib.shellPackages {
      inherit pkgs;
      sccfg = cfg.package;
      inherit (cfg) sccache wrapper;
    };

  wrap =
    cfg:
    sccfgLib.withSccache {
      inherit pkgs;
      sccfg = cfg.package;
      inherit (cfg) sccache wrapper incremental linker;
      inherit (cfg.cache) size;
    };

  # `path` is the path of the options.
  warnings = path: cfg: common.sizeWarnings "${path}.cache.size" cfg.cache.size;
}
