{ std, ... }:
{
  default = std.lib.dev.mkShell { name = "default"; variables = "export MINE=kept"; };
  ci = std.lib.dev.mkShell { name = "ci"; variables = "export MINE=kept"; };
}
