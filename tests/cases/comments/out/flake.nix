{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      devShells.${system}.default = /* before */ pkgs.mkShell /* between */ { # after the brace
        # above
        A /* x */ = /* y */ "1" /* z */ ; # beside
        /* ours */
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        # sccfg:inline " RUSTC_WRAPPER = # why\n          # because\n          \"sccache\"; "
        RUSTC_WRAPPER = "${pkgs.sccache}/bin/sccache";
        # <<< sccfg <<<
        # and after
        packages = [ pkgs.cargo ]; /* several
           lines */
        shellHook = # the hook
          ''
            # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
            <the hook>
            # <<< sccfg <<<
            echo said
          '' # end of it
        ;
        # below the last entry
        # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
        CARGO_INCREMENTAL = "0";
        # <<< sccfg <<<
      };
    };
}
