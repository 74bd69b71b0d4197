{ check, ... }:
{
  flake.checks.username = check ({ user, ... }: { home.username = user; });
}
