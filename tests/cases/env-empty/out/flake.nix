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
        env = {
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          # <<< sccfg <<<
        };
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
