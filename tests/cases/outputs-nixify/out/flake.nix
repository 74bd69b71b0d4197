{
  inputs.nixify.url = github:rvolosatovs/nixify;
  inputs.nixlib.url = github:nix-community/nixpkgs.lib;
  inputs.nixpkgs-unstable.url = github:NixOS/nixpkgs/nixpkgs-unstable;

  outputs = {
    self,
    nixify,
    nixlib,
    nixpkgs-unstable,
  }:
    with nixlib.lib;
    with nixify.lib;
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline "\n      "
      let outputs =
      # <<< sccfg <<<
      rust.mkFlake {
        src = self;
        withDevShells = {
          devShells,
          pkgs,
          ...
        }:
          extendDerivations {
            buildInputs = [pkgs.openssl];
            MINE = "kept";
          }
          devShells;
      }
      # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
      # sccfg:inline ""
      ;
      withSccache = system: shell: (shell.overrideAttrs or (change:
        shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
        RUSTC_WRAPPER = "${nixpkgs-unstable.legacyPackages.${system}.sccache}/bin/sccache";
        CARGO_INCREMENTAL = "0";
        shellHook = ''
          <the hook>
        '' + (old.shellHook or "");
      } // (if old ? env then {
        env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
      } else { }));
      in outputs // builtins.intersectAttrs outputs {
        devShells = builtins.mapAttrs (system: builtins.mapAttrs (name: shell:
          if name == "default" then withSccache system shell else shell)) outputs.devShells;
        devShell = builtins.mapAttrs withSccache outputs.devShell;
      }
      # <<< sccfg <<<
    ;
}
