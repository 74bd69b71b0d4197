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
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          echo hello
        '' + pkgs.lib.optionalString pkgs.stdenv.isLinux ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was export CARGO_INCREMENTAL=1
          # <<< sccfg <<<
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
