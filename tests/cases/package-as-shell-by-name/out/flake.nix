{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      tool = pkgs.rustPlatform.buildRustPackage {
        pname = "tool";
        version = "0.1.0";
        src = ./.;
        cargoHash = "";
      };
    in
    {
      packages.x86_64-linux.default = tool;
      devShells.x86_64-linux.default = tool
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        .overrideAttrs (old: {
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
        } else { }))
        # <<< sccfg <<<
      ;
    };
}
