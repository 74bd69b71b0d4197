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
        # sccfg:was RUSTC_WRAPPER =
        # sccfg:was   if pkgs.stdenv.isLinux
        # sccfg:was   then "sccache"
        # sccfg:was   else null;
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        # <<< sccfg <<<
        A = "1";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
