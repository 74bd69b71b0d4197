#include "sum.h"
int pair_sum(const struct pair *pair) { return pair->a + pair->b; }
