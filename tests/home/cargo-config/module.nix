{ modulesPath, ... }:
{
  imports = [ "${modulesPath}/programs/cargo.nix" ];
  programs.cargo = {
    enable = true;
    package = null;
    settings.net.git-fetch-with-cli = true;
  };
  programs.sccache = {
    enable = true;
    cargo.enable = true;
  };
}
