{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.hello
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        .overrideAttrs (old: {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          NIX_CFLAGS_LINK = "${(p: p.lib.optionalString p.stdenv.hostPlatform.isLinux "-fuse-ld=lld -B${p.llvmPackages.bintools}/bin") pkgs}";
          shellHook = ''
            <the hook>
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" "NIX_CFLAGS_LINK" ];
        } else { }))
        # <<< sccfg <<<
      ;
    };
}
