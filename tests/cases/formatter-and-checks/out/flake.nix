{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      formatter.x86_64-linux = pkgs.nixfmt-rfc-style;
      packages.x86_64-linux.default = pkgs.stdenv.mkDerivation {
        name = "tool";
        CARGO_INCREMENTAL = "1";
      };
      checks.x86_64-linux.default = pkgs.mkShell { };
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
