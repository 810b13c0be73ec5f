// The bare time of MPI_Allreduce for so many floats, the least of some rounds: what Scripts/benchmark-mpi compares a training step with.
//
//   mpicc -O2 bare_allreduce.c -o bare_allreduce && mpirun -n 2 ./bare_allreduce FLOATS [ROUNDS]
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
  MPI_Init(&count, &words);
  int floats = count > 1 ? atoi(words[1]) : 1 << 20, rounds = count > 2 ? atoi(words[2]) : 21, rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  float *values = calloc(floats, sizeof *values);
  double least = 1e30;
  if (!values) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int round = -2; round < rounds; round++) {
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = MPI_Wtime();
    MPI_Allreduce(MPI_IN_PLACE, values, floats, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    double seconds = MPI_Wtime() - begin;
    if (round >= 0 && seconds < least) least = seconds;
  }
  if (rank == 0) printf("%.6f\n", least);
  MPI_Finalize();
}
