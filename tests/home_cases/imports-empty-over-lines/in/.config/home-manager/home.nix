{ ... }:
{
  imports = [
  ];
}
