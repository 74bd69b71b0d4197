{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.blueprint.url = "github:numtide/blueprint";
  inputs.devshell.url = "github:numtide/devshell";

  outputs = inputs:
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    let outputs =
    # <<< sccfg <<<
    inputs.blueprint { inherit inputs; }
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
        if builtins.elem name [ "default" "docs" ] then withSccache system shell else shell)) outputs.devShells;
      devShell = builtins.mapAttrs withSccache outputs.devShell;
    }
    # <<< sccfg <<<
  ;
}
