{ pkgs, ... }: {
  config.devshells.default = {
    packages = [ pkgs.cargo ];
  };
}
