#define _GNU_SOURCE
#include "reading_service.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <netcdf.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum {
  // Usual are milliseconds to describe a file, and a second for 100 million values.
  describing_seconds = 1,
  reading_seconds = 20,
  // How long a disk may be silent.
  patience_seconds = 120,
};

/// What reading may take beside the caller's memory of the moment of the fork, and what is shared: chunks that are kept (see
/// netcdf_variables.c) and are unpacked.
static const rlim_t memory_room = (rlim_t)1536 << 20;

// MARK: Limits

/// Ends the process by a signal when it has computed for that many seconds: on some damaged files the libraries go round
/// in circles. What waits for a disk ends, too, but later. Zero lets it go on.
static void allow_seconds(int seconds) {
  struct itimerval computing = {.it_value.tv_sec = seconds};
  setitimer(ITIMER_PROF, &computing, NULL);
  alarm(seconds > 0 ? patience_seconds : 0);
}

/// Only Linux says how much there is already, and keeps to such a limit.
static void limit_memory(void) {
  int file = open("/proc/self/statm", O_RDONLY);
  char text[64] = {0};
  unsigned long pages;
  struct rlimit limit;
  if (file < 0) return;
  bool is_known = read(file, text, sizeof text - 1) > 0 && sscanf(text, "%lu", &pages) == 1;
  close(file);
  if (!is_known || getrlimit(RLIMIT_AS, &limit) != 0) return;
  rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + memory_room;
  if (most < limit.rlim_cur) {
    limit.rlim_cur = most;
    setrlimit(RLIMIT_AS, &limit);
  }
}

// MARK: Descriptions

/// Links into other files: a radar file needs none, and a hostile one could lead anywhere.
static herr_t refuse_link(const char *parent, const char *group, const char *file, const char *object, unsigned *flags,
                          hid_t access, void *context) {
  (void)parent, (void)group, (void)file, (void)object, (void)flags, (void)access, (void)context;
  return -1;
}

typedef enum { looks_classic, looks_netcdf4, looks_otherwise } look;

/// How a file looks, of which no more is made than what to try first: a name that libnetcdf gives to an attribute stands
/// near the beginning of the HDF5 files it writes.
static look look_at(const char *path) {
  char start[4096];
  int file = open(path, O_RDONLY);
  ssize_t count = file < 0 ? 0 : read(file, start, sizeof start);
  if (file >= 0) close(file);
  if (count >= 3 && memcmp(start, "CDF", 3) == 0) return looks_classic;
  return count > 0 && memmem(start, (size_t)count, "_NCProperties", 13) ? looks_netcdf4 : looks_otherwise;
}

static radar_status describe(const char *path, radar_description *to, int32_t *detail) {
  look seen = look_at(path);
  radar_empty(to);
  *detail = NC_NOERR;
  if (seen == looks_classic) return radar_describe_netcdf(path, true, to, detail);
  radar_status status = seen == looks_netcdf4 ? radar_describe_netcdf(path, false, to, detail) : RADAR_DONE;
  if (status != RADAR_DONE) return status;
  status = radar_describe_images(path, to);
  return status == RADAR_DONE_NETCDF ? radar_describe_netcdf(path, true, to, detail) : status;
}

bool radar_is_unchanged(const struct stat *a, const struct stat *b) {
#ifdef __APPLE__
  const struct timespec *first = &a->st_mtimespec, *second = &b->st_mtimespec;
#else
  const struct timespec *first = &a->st_mtim, *second = &b->st_mtim;
#endif
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         first->tv_sec == second->tv_sec && first->tv_nsec == second->tv_nsec;
}

// MARK: Requests

static bool receive(int channel, uint64_t *serial) {
  ssize_t received;
  do received = read(channel, serial, sizeof *serial);
  while (received < 0 && errno == EINTR);
  return received == sizeof *serial;
}

static bool answer(int channel, const radar_response *response) {
  ssize_t sent;
  do sent = write(channel, response, sizeof *response);
  while (sent < 0 && errno == EINTR);
  return sent == sizeof *response;
}

static void serve(const radar_request *request, uint8_t *data, radar_response *response) {
  static radar_description found;
  const radar_description *described = NULL;
  radar_status status = RADAR_FAILED;
  bool is_reading = request->kind == RADAR_IMAGE || request->kind == RADAR_VALUES;
  allow_seconds(is_reading ? reading_seconds : describing_seconds);
  radar_empty(&found);
  switch (request->kind) {
    case RADAR_DESCRIBE:
      status = describe(request->path, &found, &response->detail);
      described = &found;
      break;
    case RADAR_DESCRIBE_NETCDF:
      status = radar_describe_netcdf(request->path, true, &found, &response->detail);
      described = &found;
      break;
    case RADAR_IMAGE:
      status = radar_read_image(request->path, request->name, request->type, data, request->byte_count);
      response->byte_count = request->byte_count;
      break;
    case RADAR_VALUES:
      if (request->type == NC_STRING) {
        status = radar_read_texts(request, &found, &response->detail);
        described = &found;
      } else {
        status = radar_read_values(request, data, &response->detail);
        response->byte_count = request->byte_count;
      }
      break;
    case RADAR_CLOSE:
      radar_close_netcdf();
      status = RADAR_DONE;
      break;
  }
  if (described && (status == RADAR_DONE || status == RADAR_DONE_NETCDF)) {
    memcpy(data, described->bytes, described->count);
    response->byte_count = described->count;
  }
  response->status = status;
}

void radar_serve(int channel, radar_shared *shared) {
  static radar_request request;
  uint64_t serial;
  limit_memory();
  nc_initialize();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5Pset_elink_cb(H5P_LINK_ACCESS_DEFAULT, refuse_link, NULL);
  while (receive(channel, &serial)) {
    memcpy(&request, &shared->request, sizeof request);
    shared->begun = serial;
    radar_response response = {.serial = serial, .status = RADAR_FAILED};
    if (request.byte_count <= radar_data_room) serve(&request, shared->data, &response);
    allow_seconds(0);
    shared->served++;
    if (!answer(channel, &response)) return;
  }
}
