/* own_names.h: what the shared object of the test own_names offers. */
#ifndef OWN_NAMES_H
#define OWN_NAMES_H

/* Copies and fills a buffer by the library; 0 if the result is right, 77 without a device, else 1. */
int work_through_library(void);

#endif
