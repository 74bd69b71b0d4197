{
  inputs = {
    stable.url = "github:NixOS/nixpkgs/nixos-25.11";
    flake-utils.url = "github:numtide/flake-utils";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "stable";
    };
    # <<< sccfg <<<
  };

  outputs =
    {
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline " "
      sccfg,
      # <<< sccfg <<<
      stable, ... }:
    let
      pkgs = stable.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
    };
}
