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
        # ä ö ü – 世界
        GRUSS = "Grüße, 世界 🦀";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " RUSTC_WRAPPER = \"sccäche\";\n        "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        # <<< sccfg <<<
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          echo "→ los"
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
