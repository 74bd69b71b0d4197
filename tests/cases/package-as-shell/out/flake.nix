{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      packages.x86_64-linux.default = pkgs.rustPlatform.buildRustPackage {
        pname = "tool";
        version = "0.1.0";
        src = ./.;
        cargoHash = "";
      };
      devShells.x86_64-linux.default = self.packages.x86_64-linux.default.overrideAttrs (old: {
        DEV = "1";
        nativeBuildInputs = old.nativeBuildInputs ++ [ pkgs.rust-analyzer ];
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          echo "package hook"
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      });
    };
}
