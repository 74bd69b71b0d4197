{ inputs, std, ... }:
{
  default = std.lib.dev.mkShell {
    name = "repo";
    variables = "export CELL=repo";
  };
}
