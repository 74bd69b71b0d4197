{
  description = "A double of rustsec/advisory-db, without advisories";
  outputs = _: { };
}
