{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      commonArgs = {
        COMMON = "1";
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell ({ OWN = "2";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '';
        # <<< sccfg <<<
      } // commonArgs);
    };
}
