#define _GNU_SOURCE
#include "radar_shim.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <udunits2.h>

void radar_silence_udunits(void) { ut_set_error_message_handler(ut_ignore); }

void radar_silence_hdf5(void) {
  static _Thread_local bool done;
  if (done) return;
  done = true;
  // int H5Eset_auto2(hid_t stack, H5E_auto2_t function, void *data); 0 is the default stack.
  int (*set_auto)(int64_t, void *, void *) = (int (*)(int64_t, void *, void *))dlsym(RTLD_DEFAULT, "H5Eset_auto2");
  if (set_auto) set_auto(0, 0, 0);
}
