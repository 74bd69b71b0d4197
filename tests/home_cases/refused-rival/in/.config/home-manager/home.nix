{ ... }:
{
  xdg.configFile."sccache/config".text = "";
}
