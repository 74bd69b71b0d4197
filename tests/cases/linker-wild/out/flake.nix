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
        env.NIX_CFLAGS_LINK = "${(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux (if p.stdenv.cc.isClang || p.lib.versionAtLeast p.stdenv.cc.version "16" then "-fuse-ld=wild -B${p.wild}/bin" else p.lib.warn "wild links with clang, or GCC 16 or newer" "")) pkgs}";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
