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
        The shells with those that are named wrapped. This is done by `apply`, because a definition
        of `devShells.default` could not look at `devShells.default`.
      */
      wrapNamed =
        shells:
        let
          missing = lib.filter (name: !shells ? ${name}) cfg.shells;
          notice = lib.optional (missing != [ ]) (
            "perSystem.sccfg.shells names ${lib.concatStringsSep ", " missing}, which devShells does not have. "
            + "It has ${lib.concatStringsSep ", " (lib.attrNames shells)}."
          );
          wrapOne =
            name: value:
            if lib.elem name cfg.shells then
              lib.foldr lib.warn (shell.wrap cfg value) (warnings ++ notice)
            else
              value;
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
              The `devShells` that get the variables, the packages and the hook. Those of numtide's
              devshell cannot be wrapped from here: they take `devshellModules.default`.
            '';
          };

          devShell = lib.mkOption {
            type = lib.types.package;
            readOnly = true;
            description = ''
              A shell with nothing else in it, for `inputsFrom` of another one. Variables do not come
              along that way, so its hook exports them.
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

        # Declared once more, for `apply`; flake-parts' own declaration says the rest.
        devShells = lib.mkOption {
          type = lib.types.lazyAttrsOf lib.types.package;
          apply = wrapNamed;
        };
      };
    }
  );
}
