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
        packages = [ pkgs.cargo pkgs.mold-wrapped ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was NIX_CFLAGS_LINK = "-fuse-ld=mold";
        NIX_CFLAGS_LINK = "${(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux "-fuse-ld=lld -B${p.llvmPackages.bintools}/bin") pkgs}";
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
