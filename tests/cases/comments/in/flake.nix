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
        /* ours */ RUSTC_WRAPPER = # why
          # because
          "sccache"; # and after
        packages = [ pkgs.cargo ]; /* several
           lines */
        shellHook = # the hook
          ''
            echo said
          '' # end of it
        ;
        # below the last entry
      };
    };
}
