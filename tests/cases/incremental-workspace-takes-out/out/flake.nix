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
        A = "1";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was export CARGO_INCREMENTAL=0
          <the hook>
          # <<< sccfg <<<
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        # <<< sccfg <<<
      };
    };
}
