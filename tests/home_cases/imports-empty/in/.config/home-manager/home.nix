{ ... }:
{
  imports = [ ];
}
