{
  languages.rust.enable = true;
}
