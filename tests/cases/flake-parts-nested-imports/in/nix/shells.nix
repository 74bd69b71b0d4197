{ ... }: {
  perSystem = { pkgs, lib, ... }:
    let
      tools = with pkgs; [ cargo ];
    in
    {
      devShells = {
        default = pkgs.mkShell {
          packages = tools;
          A = "1";
        };
      };
    };
}
