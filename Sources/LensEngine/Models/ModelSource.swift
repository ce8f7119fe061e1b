import LensCheckpoint
import LensCore
import LensModel
import LensTensor

/// A model that is about to be read into memory: opened, its small files looked at, its weights not read yet.
public protocol ModelSource: Sendable {
    /// Bytes of memory that its weights will take.
    var weightBytes: Int { get }

    /// Reads the weights.
    ///
    /// - Parameter progress: called now and then from the thread that reads.
    /// - Throws: what is wrong with the files; `CANCELLED`.
    func load(
        control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) throws(LensError) -> LanguageModel
}

/// A model's folder on disk.
public struct FolderSource: ModelSource {
    private let folder: ModelFolder
    public let weightBytes: Int

    /// - Throws: what is wrong with the folder and its small files.
    public init(opening path: String) throws(LensError) {
        folder = try ModelFolder(opening: path)
        weightBytes = try LanguageModel.weightBytes(of: folder)
    }

    public func load(
        control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) throws(LensError) -> LanguageModel {
        // One thread of its own: the engine's pool is the pass thread's.
        try LanguageModel(folder: folder, on: ComputePool(threads: 1), control: control) { done, total in
            progress(LoadProgress(doneBytes: done, totalBytes: total))
        }
    }
}
