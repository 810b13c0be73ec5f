// The bare time of MPI_Allreduce for so many floats: what Scripts/benchmark-mpi compares a training step with.
//
//   mpicc -O2 bare_allreduce.c -o bare_allreduce && mpirun -n 2 ./bare_allreduce FLOATS [ROUNDS]
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int count, char **words) {
  MPI_Init(&count, &words);
  int floats = count > 1 ? atoi(words[1]) : 1 << 20, rounds = count > 2 ? atoi(words[2]) : 21, rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  float *values = calloc(floats, sizeof *values);
  double *seconds = calloc(rounds, sizeof *seconds);
  if (!values || !seconds) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int round = -2; round < rounds; round++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, values, floats, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    if (round >= 0) seconds[round] = MPI_Wtime() - begin;
  }
  qsort(seconds, rounds, sizeof *seconds, ascending);
  if (rank == 0) printf("%.6f\n", seconds[rounds / 2]);
  MPI_Finalize();
}
