{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.devshell.url = "github:numtide/devshell";

  outputs =
    { nixpkgs, devshell, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system}.extend devshell.overlays.default;
    in
    {
      devShells.${system}.default = pkgs.devshell.mkShell {
        env = [
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " { name = \"RUSTC_WRAPPER\"; value = \"x\"; } "
          { name = "CARGO_INCREMENTAL"; value = "0"; }
          { name = "RUSTC_WRAPPER"; value = "${pkgs.sccache}/bin/sccache"; }
          # <<< sccfg <<<
          { name = "A"; value = "1"; } ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        devshell.startup."0-sccfg".text = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
