# Plain options.
{
  languages.rust.enable = true;
  env.A = "1";
}
