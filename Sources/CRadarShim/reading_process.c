#define _GNU_SOURCE
#include "reading_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "reading_service.h"

/// The longest wait for an answer, should what reads not end itself when it takes too long (see reading_service.c).
static const int patience_milliseconds = 180000;

// There are two processes: the one that reads, and its parent, the keeper, which puts a new one in its place when it is
// gone. The keeper never calls a library, so that each begins afresh.

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

/// Leaves what belongs to the caller: signals, standard channels, open files. Returns the channel.
static int leave_caller(int channel) {
  // A crash here is foreseen: no report, no core. Ctrl-C is for the caller, whose end closes the channel.
  int crashes[] = {SIGSEGV, SIGBUS,  SIGABRT, SIGFPE,  SIGILL, SIGTRAP,
                   SIGPIPE, SIGTERM, SIGPROF, SIGALRM, SIGCHLD};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0);
#endif
  // Pipes of the caller must not stay open because of this process. A descriptor beyond the standard ones is kept.
  int kept = fcntl(channel, F_DUPFD, 8);
  if (kept < 0) _exit(1);
  int nowhere = open("/dev/null", O_RDWR);
  for (int standard = 0; standard < 3; standard++) dup2(nowhere, standard);
  close_all_but(kept);
  return kept;
}

/// Keeps a process that reads until the channel is closed.
static void keep(int channel, radar_shared *shared) {
  while (true) {
    shared->served = 0;
    pid_t process = fork();
    if (process == 0) {
      radar_serve(channel, shared);
      _exit(0);
    }
    if (process < 0) _exit(1);
    shared->process = process;
    int status;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) _exit(0);
    // What takes too long would do so again.
    bool took_too_long = WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM);
    // It may have answered what it had begun; then nobody waits for this.
    radar_response response = {
        .serial = shared->begun, .status = RADAR_DIED, .byte_count = took_too_long ? 0 : shared->served};
    if (send(channel, &response, sizeof response, 0) != sizeof response) _exit(0);
  }
}

// MARK: The end

/// The processes that were started and not ended yet. Not every machine has a process 1 that looks after those whose parent
/// has gone, so they are waited for at the end.
static struct {
  int32_t keeper;
  int32_t channel;
} started[16];

static void end_all(void) {
  for (size_t i = 0; i < sizeof started / sizeof *started; i++) {
    if (started[i].keeper == 0) continue;
    shutdown(started[i].channel, SHUT_RDWR);
    // What still reads ahead is not worth a longer wait, and ends by itself.
    for (int milliseconds = 0; milliseconds < 200 && waitpid(started[i].keeper, NULL, WNOHANG) == 0; milliseconds++)
      usleep(1000);
  }
}

static void remember(int32_t keeper, int32_t channel) {
  static bool is_registered;
  if (!is_registered) is_registered = atexit(end_all) == 0;
  for (size_t i = 0; i < sizeof started / sizeof *started; i++) {
    if (started[i].keeper != 0) continue;
    started[i].keeper = keeper;
    started[i].channel = channel;
    return;
  }
}

static void forget(int32_t keeper) {
  for (size_t i = 0; i < sizeof started / sizeof *started; i++)
    if (started[i].keeper == keeper) started[i].keeper = 0;
}

// MARK: For the caller

bool radar_reader_start(radar_reader *reader) {
  size_t size = sizeof(radar_shared) + radar_data_room;
  if (!reader->shared) {
    int flags = MAP_SHARED | MAP_ANON;
#ifdef MAP_NORESERVE
    flags |= MAP_NORESERVE;
#endif
    // Only what is used is taken from the system.
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (shared == MAP_FAILED) return false;
    reader->shared = shared;
  }
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return false;
  fcntl(pair[0], F_SETFD, FD_CLOEXEC);
  fcntl(pair[1], F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
  int yes = 1;
  setsockopt(pair[0], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
  pid_t keeper = fork();
  if (keeper == 0) keep(leave_caller(pair[1]), reader->shared);
  close(pair[1]);
  if (keeper < 0) {
    close(pair[0]);
    return false;
  }
  reader->keeper = keeper;
  reader->channel = pair[0];
  remember(reader->keeper, reader->channel);
  return true;
}

void radar_reader_stop(radar_reader *reader) {
  forget(reader->keeper);
  close(reader->channel);
  while (waitpid(reader->keeper, NULL, 0) < 0 && errno == EINTR) {
  }
  munmap(reader->shared, sizeof(radar_shared) + radar_data_room);
  reader->shared = NULL;
}

const uint8_t *radar_reader_data(const radar_reader *reader) { return ((radar_shared *)reader->shared)->data; }

uint64_t radar_reader_room(void) { return radar_data_room; }

int32_t radar_reader_process(const radar_reader *reader) { return ((radar_shared *)reader->shared)->process; }

static bool send_serial(int channel, uint64_t serial) {
#ifdef MSG_NOSIGNAL
  int flags = MSG_NOSIGNAL;
#else
  int flags = 0;
#endif
  ssize_t sent;
  do sent = send(channel, &serial, sizeof serial, flags);
  while (sent < 0 && errno == EINTR);
  return sent == sizeof serial;
}

/// Waits for the answer to a request; false when there will be none.
static bool receive(int channel, uint64_t serial, radar_response *response) {
  do {
    struct pollfd waiting = {.fd = channel, .events = POLLIN};
    int ready;
    do ready = poll(&waiting, 1, patience_milliseconds);
    while (ready < 0 && errno == EINTR);
    if (ready <= 0) return false;
    ssize_t received;
    do received = recv(channel, response, sizeof *response, MSG_WAITALL);
    while (received < 0 && errno == EINTR);
    if (received != sizeof *response) return false;
  } while (response->serial != serial);
  return true;
}

static bool restart(radar_reader *reader) {
  radar_request request = ((radar_shared *)reader->shared)->request;
  kill(reader->keeper, SIGKILL);
  radar_reader_stop(reader);
  if (!radar_reader_start(reader)) return false;
  ((radar_shared *)reader->shared)->request = request;
  return true;
}

/// Sends the request that was written. Should that fail, ``radar_reader_wait`` finds it out.
static void ask(radar_reader *reader) { send_serial(reader->channel, ++reader->serial); }

radar_response radar_reader_wait(radar_reader *reader) {
  radar_response response;
  if (!receive(reader->channel, reader->serial, &response)) {
    // Both processes are gone, or out of reach.
    response = (radar_response){.status = RADAR_DIED};
    if (!restart(reader)) return response;
    ask(reader);
    if (!receive(reader->channel, reader->serial, &response)) response = (radar_response){.status = RADAR_DIED};
  } else if (response.status == RADAR_DIED && response.byte_count > 0) {
    ask(reader);
    if (!receive(reader->channel, reader->serial, &response)) response = (radar_response){.status = RADAR_DIED};
  }
  if (response.status < RADAR_DONE || response.status >= RADAR_DIED || response.byte_count > radar_data_room)
    response = (radar_response){.status = RADAR_DIED};
  return response;
}

// MARK: Requests

static void put_text(char target[radar_longest_path], const char *text) {
  size_t length = strnlen(text, radar_longest_path - 1);
  memcpy(target, text, length);
  target[length] = 0;
}

static radar_request *begin(radar_reader *reader, radar_request_kind kind, const char *path, const char *name) {
  radar_request *request = &((radar_shared *)reader->shared)->request;
  request->kind = kind;
  request->type = 0;
  request->rank = 0;
  request->byte_count = 0;
  put_text(request->path, path);
  put_text(request->name, name);
  return request;
}

void radar_reader_describe(radar_reader *reader, const char *path, bool as_netcdf) {
  begin(reader, as_netcdf ? RADAR_DESCRIBE_NETCDF : RADAR_DESCRIBE, path, "");
  ask(reader);
}

void radar_reader_close_files(radar_reader *reader) {
  begin(reader, RADAR_CLOSE, "", "");
  ask(reader);
}

void radar_reader_image(radar_reader *reader, const char *path, const char *name, int32_t type, uint64_t byte_count) {
  radar_request *request = begin(reader, RADAR_IMAGE, path, name);
  request->type = type;
  request->byte_count = byte_count;
  ask(reader);
}

void radar_reader_values(radar_reader *reader, const char *path, const char *name, int32_t type, int32_t rank,
                         const int64_t *lengths, const int64_t *starts, const int64_t *counts, uint64_t byte_count) {
  radar_request *request = begin(reader, RADAR_VALUES, path, name);
  request->type = type;
  request->rank = rank;
  request->byte_count = byte_count;
  for (int i = 0; i < rank; i++) {
    request->lengths[i] = lengths[i];
    request->starts[i] = starts[i];
    request->counts[i] = counts[i];
  }
  ask(reader);
}
