{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = inputs:
    let
      system = "x86_64-linux";
      inherit (inputs.nixpkgs) lib;
      unstable = inputs.nixpkgs.legacyPackages.${system};
      inherit (unstable) mkShell rustc;
    in
    {
      devShells.${system} = {
        default = mkShell { packages = lib.optionals true [ rustc ];
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:inline " "
          RUSTC_WRAPPER = "${unstable.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            <the hook>
          '';
          # <<< sccfg <<<
        };
      };
    };
}
