#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A row of bytes that grows, up to a limit.
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t room;
  bool is_too_much;
} radar_description;

/// Forgets the bytes, but keeps their memory.
void radar_empty(radar_description *description);

/// Appends bytes, unless that would be too much.
void radar_put(radar_description *to, const void *bytes, size_t count);

void radar_put_byte(radar_description *to, uint8_t byte);
void radar_put_u32(radar_description *to, uint32_t number);
void radar_put_u64(radar_description *to, uint64_t number);

/// A tag and a name: its length (u16) and its characters.
void radar_put_name(radar_description *to, uint8_t tag, const char *name);
