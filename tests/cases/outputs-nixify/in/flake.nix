{
  inputs.nixify.url = github:rvolosatovs/nixify;
  inputs.nixlib.url = github:nix-community/nixpkgs.lib;
  inputs.nixpkgs-unstable.url = github:NixOS/nixpkgs/nixpkgs-unstable;

  outputs = {
    self,
    nixify,
    nixlib,
    nixpkgs-unstable,
  }:
    with nixlib.lib;
    with nixify.lib;
      rust.mkFlake {
        src = self;
        withDevShells = {
          devShells,
          pkgs,
          ...
        }:
          extendDerivations {
            buildInputs = [pkgs.openssl];
            MINE = "kept";
          }
          devShells;
      };
}
