{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    devshell.url = "github:numtide/devshell";
  };
  outputs = { nixpkgs, devshell, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = devshell.legacyPackages.${system}.mkShell {
        env = [
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          { name = "CARGO_INCREMENTAL"; value = "0"; }
          # <<< sccfg <<<
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was { name = "RUSTC_WRAPPER"; value = "sccache"; }
          { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
          # <<< sccfg <<<
          { name = "OTHER"; value = "x"; }
        ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        devshell.startup."0-sccfg".text = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
