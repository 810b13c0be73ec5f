#include "file_description.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t largest_description = (size_t)32 << 20;
static const size_t longest_name = 1024;

void radar_empty(radar_description *description) {
  description->count = 0;
  description->is_too_much = false;
}

void radar_put(radar_description *to, const void *bytes, size_t count) {
  if (to->is_too_much || count == 0) return;
  if (count > largest_description - to->count) {
    to->is_too_much = true;
    return;
  }
  if (to->count + count > to->room) {
    to->room = 2 * (to->count + count);
    uint8_t *larger = realloc(to->bytes, to->room);
    if (!larger) _exit(1);
    to->bytes = larger;
  }
  memcpy(to->bytes + to->count, bytes, count);
  to->count += count;
}

void radar_put_byte(radar_description *to, uint8_t byte) { radar_put(to, &byte, sizeof byte); }
void radar_put_u32(radar_description *to, uint32_t number) { radar_put(to, &number, sizeof number); }
void radar_put_u64(radar_description *to, uint64_t number) { radar_put(to, &number, sizeof number); }

void radar_put_name(radar_description *to, uint8_t tag, const char *name) {
  uint16_t length = (uint16_t)strnlen(name, longest_name);
  radar_put_byte(to, tag);
  radar_put(to, &length, sizeof length);
  radar_put(to, name, length);
}
