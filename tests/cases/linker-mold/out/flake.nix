{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
        env.RUST_LOG = "debug";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        env.RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        env.CARGO_INCREMENTAL = "0";
        env.NIX_CFLAGS_LINK = "${(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux "-fuse-ld=mold -B${if p ? mold-unwrapped then p.mold else p.mold-wrapped}/bin") pkgs}";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
