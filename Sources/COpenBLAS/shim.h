#include <cblas.h>
#include <stddef.h>

// OpenBLAS's library has LAPACK, its header has not. As Fortran passes them: everything by address, the lengths of
// texts behind the other arguments.

/// Eigenvalues, and eigenvectors where the jobs say 'V', of a general matrix in column-major order.
void dgeev_(
    const char *jobvl, const char *jobvr, const blasint *n, double *a, const blasint *lda, double *wr, double *wi,
    double *vl, const blasint *ldvl, double *vr, const blasint *ldvr, double *work, const blasint *lwork, blasint *info,
    size_t jobvl_length, size_t jobvr_length);

/// A matrix in column-major order as Q R; R is left in its upper triangle.
void sgeqrf_(
    const blasint *m, const blasint *n, float *a, const blasint *lda, float *tau, float *work, const blasint *lwork,
    blasint *info);
