{
  description = "A stub of numtide/devshell";

  outputs =
    { self }:
    let
      lib = import ./nixpkgs/lib;
      shellsOf = pkgs: import ./default.nix { inherit pkgs; };
    in
    {
      legacyPackages = lib.genAttrs lib.systems.flakeExposed (system: shellsOf (import ./nixpkgs { inherit system; }));
      overlays.default = final: _: { devshell = shellsOf final; };
      overlay = self.overlays.default;
      flakeModule = ./flake-module.nix;
      lib.importTOML = file: { imports = [ (lib.importTOML file) ]; };
    };
}
