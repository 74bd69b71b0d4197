{
  description = "A stub of cachix/devenv";

  outputs =
    { self }:
    {
      lib = {
        mkShell = args: (self.lib.mkEval args).config.shell;
        mkConfig = args: (self.lib.mkEval args).config;
        mkEval =
          {
            inputs,
            pkgs,
            modules,
          }:
          pkgs.lib.evalModules {
            modules = [ ./options.nix ] ++ modules;
            specialArgs = { inherit inputs pkgs; };
          };
        # The shell of the command `devenv` in the directory `root`: `devenv.nix`, what `devenv.yaml` imports, and
        # `devenv.local.nix`. `pkgs` is not passed to functions without a list of arguments.
        mkProject =
          {
            inputs,
            pkgs,
            root,
            imports,
          }:
          let
            inherit (pkgs.lib) hasSuffix optional;
            ofDirectory =
              path:
              [ (path + "/devenv.nix") ]
              ++ optional (builtins.pathExists (path + "/devenv.local.nix")) (path + "/devenv.local.nix");
            import' =
              relative:
              if hasSuffix ".nix" relative then [ (root + "/${relative}") ] else ofDirectory (root + "/${relative}");
          in
          (pkgs.lib.evalModules {
            modules = [
              ./options.nix
              { config._module.args.pkgs = pkgs; }
            ]
            ++ builtins.concatMap import' imports
            ++ ofDirectory root;
            specialArgs = inputs // { inherit inputs; };
          }).config.shell;
      };
      flakeModule = ./flake-module.nix;
      flakeModules.default = ./flake-module.nix;
    };
}
