{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      makeShell = name: packages: pkgs.mkShell {
        inherit packages;
        NAME = name;
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          echo "in ${name}"
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    in
    {
      devShells.x86_64-linux.default = makeShell "dev" [ pkgs.cargo ];
    };
}
