{
  description = "A stub of cachix/git-hooks.nix, which was pre-commit-hooks.nix";

  outputs =
    { self }:
    let
      lib = import ./nixpkgs/lib;
    in
    {
      lib = lib.genAttrs lib.systems.flakeExposed (
        system:
        let
          pkgs = import ./nixpkgs { inherit system; };
        in
        {
          # A check with the hook that installs it, to be put into a dev shell's own.
          run =
            {
              src,
              hooks ? { },
              ...
            }:
            pkgs.runCommand "pre-commit-run" {
              passthru = {
                shellHook = ''
                  # git-hooks
                  export GIT_HOOKS_INSTALLED=${toString (builtins.length (builtins.attrNames hooks))}
                '';
                enabledPackages = [ pkgs.pre-commit ];
                config = { inherit hooks; };
              };
            } "touch $out";
        }
      );
      flakeModule = ./flake-module.nix;
    };
}
