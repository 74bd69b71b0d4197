{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs =
    { self, nixpkgs, ... }@all:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      sccfg = "mine";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        MINE = sccfg;
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${all.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${all.sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
    };
}
