# home-manager has the module, and does not write the file.
{ modulesPath, ... }:
{
  imports = [ "${modulesPath}/programs/cargo.nix" ];
  programs.sccache = {
    enable = true;
    cargo.enable = true;
    incremental = "auto";
  };
}
