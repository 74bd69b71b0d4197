{
  home.file.".gitconfig".text = "[user]\n";
}
