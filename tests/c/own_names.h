/* own_names.h: the function of the shared object in the test own_names. */
#ifndef OWN_NAMES_H
#define OWN_NAMES_H

/* Copies and fills a buffer with the library. Returns 0 if the result is right, 77 without a device, else 1. */
int work_through_library(void);

#endif
