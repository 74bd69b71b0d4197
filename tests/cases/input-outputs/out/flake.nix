{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  inputs.flakelight.url = "github:nix-community/flakelight";
  # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
  inputs.sccfg.url = "github:owner/sccfg";
  inputs.sccfg.inputs.nixpkgs.follows = "nixpkgs";
  # <<< sccfg <<<

  outputs = {
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    sccfg,
    # <<< sccfg <<<
    flakelight, ... }:
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline " "
    let outputs =
    # <<< sccfg <<<
    flakelight ./. { devShell.env.MINE = "kept"; }
    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
    # sccfg:inline ""
    ;
    withSccache = system: shell: (shell.overrideAttrs or (change:
      shell // derivation (shell.drvAttrs // change shell.drvAttrs))) (old: {
      RUSTC_WRAPPER = "${sccfg.inputs.nixpkgs.legacyPackages.${system}.sccache}/bin/sccache";
      CARGO_INCREMENTAL = "0";
      shellHook = ''
        PATH=${sccfg.packages.${system}.default}/bin:$PATH
        ${sccfg.lib.shellHook { size = "24GiB"; }}
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
