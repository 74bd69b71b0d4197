{
  inputs = {
    nixpkgs.url = "github:cachix/devenv-nixpkgs/rolling";
    systems.url = "github:nix-systems/default";
    devenv.url = "github:cachix/devenv";
    devenv.inputs.nixpkgs.follows = "nixpkgs";
  };

  outputs = { self, nixpkgs, devenv, systems, ... } @ inputs:
    let
      forEachSystem = nixpkgs.lib.genAttrs (import systems);
    in
    {
      devShells = forEachSystem
        (system:
          let
            pkgs = nixpkgs.legacyPackages.${system};
          in
          {
            default = devenv.lib.mkShell {
              inherit inputs pkgs;
              modules = [
                {
                  # https://devenv.sh/reference/options/
                  packages = [ pkgs.hello ];

                  env.GREET = "devenv";

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
                }
              ];
            };
          });
    };
}
