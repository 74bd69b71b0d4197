{ modules, ... }:
{
  inherit (modules) imports;
}
