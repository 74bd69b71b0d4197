{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux = {
        default = pkgs.mkShell {
          SAME = "1";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
        ci = pkgs.mkShell {
          SAME = "1";
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
        docs = pkgs.mkShell { };
      };
    };
}
