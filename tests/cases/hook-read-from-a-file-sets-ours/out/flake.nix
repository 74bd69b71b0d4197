{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (pkgs) lib;
      scripts = ./scripts;
    in
    {
      devShells.${system}.default = pkgs.mkShell {
        shellHook = ''
          # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
          <the hook>
          # <<< sccfg <<<
          ${builtins.readFile ./hook.sh}
          ${lib.fileContents (./. + "/scripts/more.sh")}
          ${lib.readFile ./scripts/missing.sh}
          ${lib.readFile (scripts + "/${system}.sh")}
        '';
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
