{
  description = "A stub of rustsec/advisory-db, without advisories";
  outputs = _: { };
}
