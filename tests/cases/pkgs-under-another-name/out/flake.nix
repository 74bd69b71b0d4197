{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      packages = import nixpkgs { system = "x86_64-linux"; };
    in
    {
      devShells.x86_64-linux.default = packages.mkShell {
        buildInputs = [ packages.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${packages.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      };
    };
}
