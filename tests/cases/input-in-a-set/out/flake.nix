{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-utils.url = "github:numtide/flake-utils";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    {
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline " "
      sccfg,
      # <<< sccfg <<<
      self, nixpkgs, flake-utils }:
    flake-utils.lib.eachDefaultSystem (
      system:
      let
        pkgs = import nixpkgs { inherit system; };
      in
      {
        devShells.default = pkgs.mkShell {
          packages = [ pkgs.cargo ];
          shellHook = ''
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            PATH=${sccfg.packages.${system}.default}/bin:$PATH
            ${sccfg.lib.shellHook { size = "24GiB"; }}
            # <<< sccfg <<<
            echo "my own"
          '';
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          # <<< sccfg <<<
        };
      }
    );
}
