{ lib, ... }:
{
  imports = ;
}
