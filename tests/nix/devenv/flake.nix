{
  description = "A double of cachix/devenv";

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
      };
      flakeModule = ./flake-module.nix;
      flakeModules.default = ./flake-module.nix;
    };
}
