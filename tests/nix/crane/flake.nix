{
  description = "A double of ipetkov/crane";
  outputs = { self }: { mkLib = import ./default.nix; };
}
