# What the modules for dev shells share: their options, and what comes of them.
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
        sccfg itself, to be on `PATH` in the shell. Without it, the hook takes the sccfg that is on
        `PATH` already, or sets the variables alone: then nobody looks after the server.
      '';
    };

    sccache = lib.mkPackageOption pkgs "sccache" { };

    incremental = mkOption {
      type = common.types.incremental;
      default = "off";
      description = ''
        Incremental compilation, of which sccache caches nothing. `off` sets `CARGO_INCREMENTAL=0`, so
        that every library is cached; `workspace` leaves the variable unset, so that your own crates
        stay incremental; `auto` is `workspace` in the primary checkout and `off` in linked worktrees.
        A `sccfg.toml` in the repository decides over it where sccfg is on `PATH`.
      '';
    };

    wrapper = mkOption {
      type = common.types.wrapper;
      default = "sccache";
      description = ''
        What stands in `RUSTC_WRAPPER`: `sccache` itself, or sccfg's `portable` wrapper in front of it,
        with keys that are the same in every worktree. A `sccfg.toml` in the repository decides over it.
      '';
    };

    cache.size = mkOption {
      type = types.nullOr common.types.size;
      default = null;
      example = "24GiB";
      description = ''
        What this repository asks of a machine that has no sccache config file. Written with a unit or
        as a number of bytes.
      '';
    };

    shellHook = mkOption {
      type = types.str;
      readOnly = true;
      description = "The text of the hook, for shells that are made in another way.";
      default = sccfgLib.shellHook {
        inherit (cfg) incremental;
        inherit (cfg.cache) size;
      };
      defaultText = literalExpression "templates/hook.sh, with these settings in it";
    };

    env = mkOption {
      type = types.attrsOf types.str;
      readOnly = true;
      description = "The variables of the shell, for shells that are made in another way.";
      default = sccfgLib.shellEnv {
        inherit pkgs;
        sccfg = cfg.package;
        inherit (cfg) sccache wrapper incremental;
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
      inherit (cfg) sccache wrapper incremental;
      inherit (cfg.cache) size;
    };

  # `path` is where the options stand.
  warnings = path: cfg: common.sizeWarnings "${path}.cache.size" cfg.cache.size;
}
