{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.devenv.url = "github:cachix/devenv";
  outputs = { nixpkgs, devenv, ... }@inputs:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = devenv.lib.mkShell {
        inherit inputs pkgs;
        modules = [
          {
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            # sccfg:was env.RUSTC_WRAPPER = "sccache";
            env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            # <<< sccfg <<<
            env.A = "1";
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            env.CARGO_INCREMENTAL = "0";
            enterShell = ''
              <the hook>
            '';
            # <<< sccfg <<<
          }
        ];
      };
    };
}
