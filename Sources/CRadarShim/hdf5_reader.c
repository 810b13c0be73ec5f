#define _GNU_SOURCE
#include "hdf5_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "hdf5_process.h"

// How long a disk may be silent. (What computes too long ends itself, see hdf5_process.c.)
static const int patience_milliseconds = 120000;

static void close_all_but(int kept) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, 3u, (unsigned)kept - 1, 0u) == 0 &&
      syscall(SYS_close_range, (unsigned)kept + 1, ~0u, 0u) == 0)
    return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  if (most < 0 || most > 65536) most = 65536;
  for (int descriptor = 3; descriptor < most; descriptor++)
    if (descriptor != kept) close(descriptor);
}

static void become_reader(int channel) {
  // A crash here is foreseen: no report, no core. Ctrl-C is for the caller, whose end closes the channel.
  int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGPIPE, SIGTERM, SIGXCPU};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  // Pipes of the caller must not stay open because of this process. A descriptor beyond the standard ones is kept.
  int kept = fcntl(channel, F_DUPFD, 8);
  if (kept < 0) _exit(1);
  int nowhere = open("/dev/null", O_RDWR);
  for (int standard = 0; standard < 3; standard++) dup2(nowhere, standard);
  close_all_but(kept);
  radar_hdf5_serve(kept);
  _exit(0);
}

bool radar_hdf5_start(radar_hdf5_reader *reader) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return false;
  fcntl(pair[0], F_SETFD, FD_CLOEXEC);
  fcntl(pair[1], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
  int yes = 1;
  setsockopt(pair[0], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  pid_t process = fork();
  if (process == 0) become_reader(pair[1]);
  close(pair[1]);
  if (process < 0) {
    close(pair[0]);
    return false;
  }
  reader->process = process;
  reader->channel = pair[0];
  return true;
}

void radar_hdf5_stop(radar_hdf5_reader *reader) {
  close(reader->channel);
  kill(reader->process, SIGKILL);
  while (waitpid(reader->process, NULL, 0) < 0 && errno == EINTR) {
  }
}

static bool send_all(int channel, const void *bytes, size_t count) {
#ifdef MSG_NOSIGNAL
  int flags = MSG_NOSIGNAL;
#else
  int flags = 0;
#endif
  while (count > 0) {
    ssize_t sent = send(channel, bytes, count, flags);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = (const char *)bytes + sent;
    count -= (size_t)sent;
  }
  return true;
}

static bool receive_all(int channel, void *bytes, size_t count) {
  while (count > 0) {
    struct pollfd waiting = {.fd = channel, .events = POLLIN};
    int ready = poll(&waiting, 1, patience_milliseconds);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    ssize_t received = recv(channel, bytes, count, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    bytes = (char *)bytes + received;
    count -= (size_t)received;
  }
  return true;
}

static radar_hdf5_status ask(radar_hdf5_reader *reader, radar_hdf5_request request, const char *path,
                             const char *dataset, uint64_t *count) {
  radar_hdf5_response response;
  if (!send_all(reader->channel, &request, sizeof request) ||
      !send_all(reader->channel, path, request.path_length) ||
      !send_all(reader->channel, dataset, request.dataset_length) ||
      !receive_all(reader->channel, &response, sizeof response))
    return RADAR_HDF5_DIED;
  *count = response.byte_count;
  return response.status < RADAR_HDF5_DIED ? (radar_hdf5_status)response.status : RADAR_HDF5_DIED;
}

radar_hdf5_status radar_hdf5_describe(radar_hdf5_reader *reader, const char *path, uint8_t **bytes, size_t *count) {
  radar_hdf5_request request = {.path_length = (uint32_t)strlen(path)};
  uint64_t length = 0;
  radar_hdf5_status status = ask(reader, request, path, "", &length);
  if (status != RADAR_HDF5_DONE) return status;
  // What a damaged process says is no more to be trusted than the file.
  if (length > ((size_t)64 << 20)) return RADAR_HDF5_DIED;
  uint8_t *description = malloc(length > 0 ? (size_t)length : 1);
  if (!description || !receive_all(reader->channel, description, (size_t)length)) {
    free(description);
    return RADAR_HDF5_DIED;
  }
  *bytes = description;
  *count = (size_t)length;
  return RADAR_HDF5_DONE;
}

radar_hdf5_status radar_hdf5_values(radar_hdf5_reader *reader, const char *path, const char *dataset, int32_t type,
                                    void *target, size_t count) {
  radar_hdf5_request request = {.path_length = (uint32_t)strlen(path),
                                .dataset_length = (uint32_t)strlen(dataset),
                                .type = type,
                                .byte_count = count};
  uint64_t length = 0;
  radar_hdf5_status status = ask(reader, request, path, dataset, &length);
  if (status != RADAR_HDF5_DONE) return status;
  return length == count && receive_all(reader->channel, target, count) ? RADAR_HDF5_DONE : RADAR_HDF5_DIED;
}
