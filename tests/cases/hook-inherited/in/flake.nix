{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      OTHER = "o";
      shellHook = ''
        echo bound
      '';
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        inherit shellHook OTHER;
      };
    };
}
