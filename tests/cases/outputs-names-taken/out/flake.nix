{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.nci.url = "github:yusdacra/nix-cargo-integration";

  outputs = inputs:
    let
      withSccache = set: set;
      outputs = inputs.nci.lib.makeOutputs { root = ./.; };
    in
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline "\n    "
    let flakeOutputs =
    # <<< sccfg <<<
    withSccache (outputs // { lib.answer = 42; })
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline ""
    ;
    withSccache' = system: shell: (shell.overrideAttrs or (change:
      shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
      RUSTC_WRAPPER = "${inputs.nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
      CARGO_INCREMENTAL = "0";
      shellHook = ''
        <the hook>
      '' + (old.shellHook or "");
    } // (if old ? env then {
      env = removeAttrs old.env [ "RUSTC_WRAPPER" "CARGO_INCREMENTAL" ];
    } else { }));
    in flakeOutputs // builtins.intersectAttrs flakeOutputs {
      devShells = builtins.mapAttrs (system: builtins.mapAttrs (name: shell:
        if name == "default" then withSccache' system shell else shell)) flakeOutputs.devShells;
      devShell = builtins.mapAttrs withSccache' flakeOutputs.devShell;
    }
    # <<< sccfg <<<
  ;
}
