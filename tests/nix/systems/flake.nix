{
  description = "A double of nix-systems/default";
  outputs = _: { };
}
