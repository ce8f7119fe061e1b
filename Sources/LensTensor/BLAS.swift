import CLensKernels
import COpenBLAS
import Glibc

/// OpenBLAS's set-up.
public enum BLAS {
    /// OpenBLAS's version and the kernels it chose, such as `OpenBLAS 0.3.21 … SkylakeX`.
    public static var description: String {
        String(cString: openblas_get_config()) + " (" + kernels + ")"
    }

    /// The processor family whose kernels OpenBLAS uses.
    public static var kernels: String { String(cString: openblas_get_corename()) }

    static func useOneThread() { openblas_set_num_threads(1) }

    /// Starts the program again with better kernels where OpenBLAS did not know the processor.
    ///
    /// A processor newer than the library gets its oldest kernels (`Prescott`, a tenth of the speed), and the choice is
    /// made while the library loads, before `main`: only the environment of a new process can correct it. What the
    /// user set is left alone.
    public static func restartWithBestKernels() {
        let variable = "OPENBLAS_CORETYPE"
        guard kernels == "Prescott", getenv(variable) == nil else { return }
        let better: String
        switch lens_vector_bits() {
        case 512: better = "SKYLAKEX"
        case 256: better = "HASWELL"
        default: return
        }
        setenv(variable, better, 1)
        // By its own path, so that the process keeps its name. Returns only when it failed; the program then goes on
        // with the kernels it has.
        guard let path = realpath("/proc/self/exe", nil) else { return }
        execv(path, CommandLine.unsafeArgv)
        free(path)
    }
}
