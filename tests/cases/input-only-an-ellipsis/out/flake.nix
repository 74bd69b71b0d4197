{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs =
    { ... }@inputs:
    let
      pkgs = inputs.nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          PATH=${inputs.sccfg.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin:$PATH
          ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
        '';
        # <<< sccfg <<<
      };
    };
}
