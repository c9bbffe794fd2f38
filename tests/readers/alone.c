/* The header alone: it includes what it needs, and no compiler has anything to say to it. */
#include <avx_gpu.h>
