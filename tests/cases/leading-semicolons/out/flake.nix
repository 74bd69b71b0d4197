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
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:was RUSTC_WRAPPER = "sccache"
        # sccfg:was ;
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        # <<< sccfg <<<
        packages = [ pkgs.cargo ]
        ;
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
