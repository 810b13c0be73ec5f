#include "radar_shim.h"

#include <udunits2.h>

void radar_silence_udunits(void) { ut_set_error_message_handler(ut_ignore); }
