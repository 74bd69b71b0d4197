{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      lib = nixpkgs.lib;
    in
    {
      devShells.x86_64-linux = builtins.listToAttrs [
        {
          name = "default";
          value = pkgs.mkShell {
            packages = [ pkgs.cargo ];
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
            CARGO_INCREMENTAL = "0";
            shellHook = ''
              <the hook>
            '';
            # <<< sccfg <<<
          };
        }
        {
          name = "docs";
          value = pkgs.mkShell { packages = [ pkgs.mdbook ]; };
        }
      ];
    };
}
