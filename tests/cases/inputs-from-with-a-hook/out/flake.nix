{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      base = pkgs.mkShell {
        shellHook = ''
          echo inner
          export SCCACHE_CACHE_SIZE=1G
        '';
      };
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        inputsFrom = [ base ];
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
