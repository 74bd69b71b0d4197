{
  inputs.company.url = "github:example/dev-shells";
  outputs = { company, ... }: {
    devShells = company.devShells;
  };
}
