struct pair { int a; int b; };
int pair_sum(const struct pair *pair);
