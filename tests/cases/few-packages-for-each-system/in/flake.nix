{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      forAll = f: nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-darwin" ] (system:
        let p = nixpkgs.legacyPackages.${system};
        in f { inherit system; inherit (p) mkShell rustc lib; });
    in {
      devShells = forAll (ctx: {
        default = ctx.mkShell { packages = [ ctx.rustc ]; };
      });
    };
}
