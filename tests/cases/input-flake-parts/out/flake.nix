{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-parts.url = "github:hercules-ci/flake-parts";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" ];
      perSystem =
        { pkgs, system, ... }:
        {
          devShells.default = pkgs.mkShell {
            packages = [ pkgs.cargo ];
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            RUSTC_WRAPPER = "${inputs.sccfg.packages.${system}.default}/libexec/sccfg/sccache";
            SCCFG_SCCACHE = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              PATH=${inputs.sccfg.packages.${system}.default}/bin:$PATH
              ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
            '';
            # <<< sccfg <<<
          };
        };
    };
}
