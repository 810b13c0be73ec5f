#include "radar_shim.h"
