{ lib, ... }:
{
  imports = if true then [ ] else [ ];
}
