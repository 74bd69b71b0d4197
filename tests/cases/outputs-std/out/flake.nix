{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.std.url = "github:divnix/std";
  inputs.std.inputs.nixpkgs.follows = "nixpkgs";

  outputs = inputs @ {
    self,
    std,
    ...
  }:
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline "\n    "
    let outputs =
    # <<< sccfg <<<
    std.growOn {
      inherit inputs;
      cellsFrom = ./nix;
      cellBlocks = with std.blockTypes; [ (devshells "shells") ];
    } {
      # what is harvested
      devShells = std.harvest self [ "repo" "shells" ];
    }
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline ""
    ;
    withSccache = system: shell: (shell.overrideAttrs or (change:
      shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
      RUSTC_WRAPPER = "${inputs.nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
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
