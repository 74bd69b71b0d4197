{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs =
    { nixpkgs, ... }:
    let
      inherit (nixpkgs.legacyPackages.x86_64-linux) mkShell cargo;
    in
    {
      devShells.x86_64-linux.default = mkShell { packages = [ cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${nixpkgs.legacyPackages.x86_64-linux.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
