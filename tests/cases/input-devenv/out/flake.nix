{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    devenv.url = "github:cachix/devenv";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    { nixpkgs, devenv, ... }@inputs:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = devenv.lib.mkShell {
        inherit inputs pkgs;
        modules = [
          {
            env.RUST_LOG = "info";
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            env.RUSTC_WRAPPER = "${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/libexec/sccfg/sccache";
            env.SCCFG_SCCACHE = "${pkgs.sccache}/bin/sccache";
            env.CARGO_INCREMENTAL = "0";
            enterShell = ''
              PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
              ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
            '';
            # <<< sccfg <<<
          }
        ];
      };
    };
}
