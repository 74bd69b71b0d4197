{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    devshell.url = "github:numtide/devshell";
  };
  outputs = { nixpkgs, devshell, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      common = [ { name = "A"; value = "1"; } ];
    in
    {
      devShells.${system}.default = devshell.legacyPackages.${system}.mkShell {
        env =
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          [
            { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
            { name = "CARGO_INCREMENTAL"; value = "0"; }
          ] ++
          # <<< sccfg <<<
          common ++ [
          { name = "B"; value = "2"; }
        ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        devshell.startup."0-sccfg".text = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
