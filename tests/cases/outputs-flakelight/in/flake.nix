{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flakelight.url = "github:nix-community/flakelight";
  inputs.flakelight.inputs.nixpkgs.follows = "nixpkgs";

  outputs =
    { flakelight, ... }@inputs:
    flakelight ./. {
      inherit inputs;
      devShell = {
        packages = pkgs: [ pkgs.cargo pkgs.rustc ];
        env.MINE = "kept";
        shellHook = pkgs: "echo hello from flakelight";
      };
    };
}
