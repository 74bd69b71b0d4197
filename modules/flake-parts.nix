# flake-parts: `perSystem.sccfg`.
{ flake-parts-lib, ... }:
{
  _file = ./flake-parts.nix;

  options.perSystem = flake-parts-lib.mkPerSystemOption (
    {
      config,
      lib,
      pkgs,
      ...
    }:
    let
      cfg = config.sccfg;
      shell = import ./shell.nix { inherit lib pkgs; };
      warnings = shell.warnings "perSystem.sccfg" cfg;

      /*
        Wraps the named shells. In `apply`, because a definition of `devShells.default` cannot refer to
        `devShells.default`.
      */
      wrapNamed =
        shells:
        let
          missing = lib.filter (name: !shells ? ${name}) cfg.shells;
          notice = lib.optional (missing != [ ]) (
            "perSystem.sccfg.shells: no such devShells: ${lib.concatStringsSep ", " missing}. "
            + "Defined are ${lib.concatStringsSep ", " (lib.attrNames shells)}."
          );
          # Every shell has the notice, because the one that was meant may have another name.
          wrapOne =
            name: value:
            if lib.elem name cfg.shells then
              lib.foldr lib.warn (shell.wrap cfg value) (warnings ++ notice)
            else
              lib.foldr lib.warn value notice;
        in
        if cfg.enable then lib.mapAttrs wrapOne shells else shells;
    in
    {
      _file = ./flake-parts.nix;

      options = {
        sccfg = shell.options cfg // {
          shells = lib.mkOption {
            type = lib.types.listOf lib.types.str;
            default = [ "default" ];
            example = [
              "default"
              "nightly"
            ];
            description = ''
              Names of the `devShells` to wrap with the variables, the packages and the hook. For shells of
              numtide's devshell, use `devshellModules.default` instead.
            '';
          };

          devShell = lib.mkOption {
            type = lib.types.package;
            readOnly = true;
            description = ''
              A shell with the packages and the hook only, for `inputsFrom` of another shell. Its hook exports
              the variables, because `inputsFrom` does not pass them on.
            '';
            default = pkgs.mkShell {
              name = "sccfg";
              packages = shell.packages cfg;
              shellHook =
                lib.concatStrings (
                  lib.mapAttrsToList (name: value: "export ${name}=${lib.escapeShellArg value}\n") cfg.env
                )
                + cfg.shellHook;
            };
            defaultText = lib.literalExpression "pkgs.mkShell { … }";
          };
        };

        # A second declaration, for `apply`; the rest is in the one of flake-parts.
        devShells = lib.mkOption {
          type = lib.types.lazyAttrsOf lib.types.package;
          apply = wrapNamed;
        };
      };
    }
  );
}
