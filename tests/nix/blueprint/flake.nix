# Dev shells and packages of files, which are called with what blueprint passes, and nothing else.
{
  description = "A stub of numtide/blueprint";

  outputs =
    { self }:
    {
      __functor =
        _:
        {
          inputs,
          prefix ? null,
          systems ? inputs.nixpkgs.lib.systems.flakeExposed,
        }:
        let
          inherit (inputs.nixpkgs) lib;
          src = if prefix == null then inputs.self else inputs.self + "/${prefix}";
          files =
            directory: ending:
            let
              endings = builtins.filter (lib.hasSuffix ending) (
                if builtins.pathExists (src + directory) then
                  builtins.attrNames (builtins.readDir (src + directory))
                else
                  [ ]
              );
              named = file: lib.nameValuePair (lib.removeSuffix ending file) (src + "${directory}/${file}");
            in
            builtins.listToAttrs (map named endings);
          optional = name: file: lib.optionalAttrs (builtins.pathExists (src + file)) { ${name} = src + file; };
          perSystem =
            system:
            builtins.mapAttrs (
              name: input:
              (input.legacyPackages.${system} or { })
              // (if name == "self" then packages system else input.packages.${system} or { })
            ) inputs;
          call =
            system: pname: file:
            lib.callPackageWith {
              inherit inputs system pname;
              flake = inputs.self;
              perSystem = perSystem system;
              pkgs = (perSystem system).nixpkgs;
            } file { };
          fromToml =
            system: file:
            let
              inherit ((perSystem system).devshell) mkShell importTOML;
            in
            mkShell { imports = [ (importTOML file) ]; };
          packages = system: builtins.mapAttrs (call system) (files "/packages" ".nix");
          devShells =
            system:
            builtins.mapAttrs (_: fromToml system) (files "/devshells" ".toml" // optional "default" "/devshell.toml")
            // builtins.mapAttrs (call system) (files "/devshells" ".nix" // optional "default" "/devshell.nix");
        in
        {
          packages = lib.genAttrs systems packages;
          devShells = lib.genAttrs systems devShells;
        };
    };
}
