{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = with pkgs; ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          # sccfg:was export RUSTC_WRAPPER=/opt/other
          # sccfg:was sccache --stop-server || true
          <the hook>
          # <<< sccfg <<<
          echo mine
        '' + lib.optionalString stdenv.isLinux "echo linux";
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
