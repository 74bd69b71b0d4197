{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      pkgs = import nixpkgs {
        system = "x86_64-linux";
        crossSystem = "aarch64-linux";
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.callPackage (
        {
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          buildPackages,
          # <<< sccfg <<<
          mkShell, cargo, sccache }:
        mkShell {
          nativeBuildInputs = [ cargo sccache ];
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${buildPackages.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        }
      ) { };
    };
}
