{
  description = "A stub of numtide/treefmt-nix";

  outputs =
    { self }:
    {
      lib = rec {
        evalModule =
          pkgs: configuration:
          let
            options = {
              projectRootFile = null;
              programs = { };
              settings = { };
            };
            given = if builtins.isAttrs configuration then configuration else { };
            unknown = builtins.attrNames (removeAttrs given (builtins.attrNames options ++ [ "imports" ]));
            wrapper = pkgs.writeShellScriptBin "treefmt" "exit 0";
          in
          assert pkgs.lib.assertMsg (unknown == [ ]) "The option `${builtins.concatStringsSep "', `" unknown}' does not exist.";
          {
            config.build = {
              inherit wrapper;
              check = _: pkgs.runCommand "treefmt-check" { } "touch $out";
              programs = { };
              devShell = pkgs.mkShellNoCC { packages = [ wrapper ]; };
            };
          };
        mkWrapper = pkgs: configuration: (evalModule pkgs configuration).config.build.wrapper;
      };
      flakeModule = ./flake-module.nix;
    };
}
