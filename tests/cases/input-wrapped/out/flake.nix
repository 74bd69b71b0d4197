{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<
  outputs =
    {
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline " "
      sccfg,
      # <<< sccfg <<<
      self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      packages.x86_64-linux.default = pkgs.stdenv.mkDerivation {
        name = "tool";
        TOOL = "1";
      };
      devShells.x86_64-linux.default = self.packages.x86_64-linux.default
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline ""
        .overrideAttrs (old: {
          RUSTC_WRAPPER = "${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/libexec/sccfg/sccache";
          SCCFG_SCCACHE = "${pkgs.sccache}/bin/sccache";
          CARGO_INCREMENTAL = "0";
          shellHook = ''
            PATH=${sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
            ${sccfg.lib.shellHook { size = "24GiB"; }}
          '' + (old.shellHook or "");
        } // (if old ? env then {
          env = removeAttrs old.env [ "RUSTC_WRAPPER" "SCCFG_SCCACHE" "CARGO_INCREMENTAL" ];
        } else { }))
        # <<< sccfg <<<
      ;
    };
}
