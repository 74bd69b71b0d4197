{
  inputs.company.url = "github:example/dev-shells";
  outputs = { company, ... }: {
    devShells.x86_64-linux.default =       company.lib.shell { };
  };
}
