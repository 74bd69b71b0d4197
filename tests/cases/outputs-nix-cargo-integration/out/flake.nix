{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    flake-utils.url = "github:numtide/flake-utils";
    nci = {
      url = "github:yusdacra/nix-cargo-integration";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs = { self, nixpkgs, flake-utils, nci }:
  let
    customOutputs = flake-utils.lib.eachDefaultSystem (system: {
      formatter = nixpkgs.legacyPackages.${system}.nixpkgs-fmt;
    });
  in
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline "\n    "
    let outputs =
    # <<< sccfg <<<
    nci.lib.makeOutputs {root = ./.;} // customOutputs
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline ""
    ;
    withSccache = system: shell: (shell.overrideAttrs or (change:
      shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
      RUSTC_WRAPPER = "${nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
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
