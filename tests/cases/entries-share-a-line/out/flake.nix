{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = pkgs.mkShell { A = "1";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " SCCACHE_DIR = \"/tmp/x\";\n        RUSTC_WRAPPER = \"sccache\";\n        CARGO_INCREMENTAL = \"1\"; "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
