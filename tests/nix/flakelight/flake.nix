# `flakelight FOLDER MODULE`: options are values or functions of `pkgs`, and `nixpkgs` is that of
# the inputs that the module has, else flakelight's own.
{
  description = "A stub of nix-community/flakelight";

  outputs =
    { self }:
    let
      own.inputs.nixpkgs = import ./nixpkgs/flake.nix;
      lib = import ./nixpkgs/lib;
      mkFlake = more: src: root:
        let
          arguments = { inherit lib src outputs; inherit (config) inputs; };
          config = { systems = [ "x86_64-linux" "aarch64-linux" ]; inputs = { }; }
            // more // (if builtins.isFunction root then root arguments else root);
          pkgsFor = system: import (config.inputs.nixpkgs or ./nixpkgs) { inherit system; };
          optCall = pkgs: value: if builtins.isFunction value then value pkgs else value;
          shell = pkgs: options:
            let options' = optCall pkgs options; in
            if lib.isDerivation options' then options'
            else pkgs.mkShell (optCall pkgs (options'.env or { }) // {
              packages = optCall pkgs (options'.packages or [ ]);
              shellHook = optCall pkgs (options'.shellHook or "");
            });
          shells = config.devShells or { }
            // lib.optionalAttrs (config ? devShell) { default = config.devShell; };
          outputs = (config.outputs or { }) // lib.optionalAttrs (shells != { }) {
            devShells = lib.genAttrs config.systems
              (system: builtins.mapAttrs (_: shell (pkgsFor system)) shells);
          };
        in
        outputs;
    in
    {
      lib.mkFlake = mkFlake { };
      lib.extended = mkFlake;
      __functor = _: mkFlake { };
    };
}
