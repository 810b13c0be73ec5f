#pragma once
#include <mpi.h>

// Communicators, types and operations are macros, some of them casts, which Swift cannot read. Errors end the job with a
// message of the library: that is what its communicators do unless told otherwise.

/// Starts MPI for calls from any thread, one at a time. Returns whether the library can do that.
static inline int cmpi_start(void) {
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
  return provided >= MPI_THREAD_SERIALIZED;
}

static inline void cmpi_end(void) { MPI_Finalize(); }

static inline void cmpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

static inline int cmpi_rank(void) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

static inline int cmpi_size(void) {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

/// Adds up `values` over the ranks of this machine, in place. Returns how many ranks these are.
static inline int cmpi_sum_on_machine(int *values, int count) {
  MPI_Comm machine;
  int size = 1;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  MPI_Comm_size(machine, &size);
  MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_INT, MPI_SUM, machine);
  MPI_Comm_free(&machine);
  return size;
}

/// Begins to add up `values` over all ranks, in place.
static inline void cmpi_begin_sum(float *values, int count, MPI_Request *request) {
  MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD, request);
}

/// Works on what was begun; returns whether all of it is done.
static inline int cmpi_test(MPI_Request *requests, int count) {
  int done = 0;
  MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE);
  return done;
}

static inline void cmpi_wait(MPI_Request *requests, int count) { MPI_Waitall(count, requests, MPI_STATUSES_IGNORE); }

static inline void cmpi_sum_doubles(double *values, int count) {
  MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

/// Gives all ranks what rank 0 has.
static inline void cmpi_broadcast(void *bytes, int count) { MPI_Bcast(bytes, count, MPI_BYTE, 0, MPI_COMM_WORLD); }

static inline void cmpi_send(const void *bytes, int count, int rank) {
  MPI_Send(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD);
}

static inline void cmpi_receive(void *bytes, int count, int rank) {
  MPI_Recv(bytes, count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}
