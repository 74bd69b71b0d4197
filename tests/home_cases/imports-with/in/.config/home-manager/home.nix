{ ... }:
{
  imports = with { git = ./git.nix; }; [ git ];
}
