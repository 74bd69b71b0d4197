{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { nixpkgs, ... }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        shellHook = ''
# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
<the hook>
# <<< sccfg <<<
cat <<TEXT
  two spaces
TEXT
'';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
