{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      with_ = { rust, extra ? [ ] }: pkgs.mkShell {
        packages = [ rust ] ++ extra;
      };
    in
    {
      devShells.x86_64-linux.default = with_ { rust = pkgs.cargo; };
      devShells.x86_64-linux.nightly = with_ {
        rust = pkgs.rustc;
        extra = [ pkgs.just ];
      };
    };
}
