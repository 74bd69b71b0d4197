{
  inputs.company.url = "github:example/dev-shells";
  outputs = { company, ... }:
    let
      pkgs = company.lib.pkgsFor "x86_64-linux";
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.cargo ];
      };
    };
}
