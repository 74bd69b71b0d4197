{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      host = nixpkgs.legacyPackages.x86_64-linux;
      mkDevShell =
        pkgs:
        pkgs.mkShell {
          packages = [ pkgs.cargo ];
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${host.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
    in
    {
      devShells.x86_64-linux.default = mkDevShell host.pkgsStatic;
    };
}
