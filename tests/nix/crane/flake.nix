{
  description = "A stub of ipetkov/crane";
  outputs = { self }: { mkLib = import ./default.nix; };
}
