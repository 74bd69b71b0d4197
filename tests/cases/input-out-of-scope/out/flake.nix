{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    snowfall-lib.url = "github:snowfallorg/lib";
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    sccfg = {
      url = "github:owner/sccfg";
      inputs.nixpkgs.follows = "nixpkgs";
    };
    # <<< sccfg <<<
  };

  outputs =
    inputs:
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline "\n    "
    let outputs =
    # <<< sccfg <<<
    inputs.snowfall-lib.mkFlake {
      inherit inputs;
      src = ./.;
    }
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline ""
    ;
    withSccache = system: shell: (shell.overrideAttrs or (change:
      shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
      RUSTC_WRAPPER = "${inputs.nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
      CARGO_INCREMENTAL = "0";
      shellHook = ''
        PATH=${inputs.sccfg.packages.${system}.default}/bin:$PATH
        ${inputs.sccfg.lib.shellHook { size = "24GiB"; }}
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
