{
  description = "nothing yet";
}
