{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.devenv.url = "github:cachix/devenv";
  outputs = { self, nixpkgs, devenv, ... }@inputs:
    let
      shell = system: devenv.lib.mkShell {
        inherit inputs;
        pkgs = nixpkgs.legacyPackages.${system};
        modules = [
          ({ pkgs, config, ... }: {
            config = {
              env.A = "1";
              enterShell = ''
                # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
                <the hook>
                # <<< sccfg <<<
                echo entered
              '';
              # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
              env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
              env.CARGO_INCREMENTAL = "0";
              # <<< sccfg <<<
            };
          })
        ];
      };
    in
    {
      devShells.x86_64-linux.default = shell "x86_64-linux";
      devShells.aarch64-linux.default = shell "aarch64-linux";
    };
}
