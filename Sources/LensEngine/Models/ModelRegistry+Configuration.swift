import LensCore
import LensModel

/// A configuration that was read again.
extension ModelRegistry {
    /// Takes on other configured models: new ones are known from here on and loaded when somebody asks for them, those
    /// that are gone or have another folder leave the memory once no pass uses them, of all others access, pins and
    /// order are as given now.
    ///
    /// - Parameter known: the configured models, each name once; the first is the default.
    /// - Returns: what is wrong with the folders of those that are new here.
    public func reconfigure(_ known: [KnownModel]) -> [String] {
        let (newcomers, loads) = state.withLock { $0.reconfigure(known) }
        for load in loads { load.control.cancel() }
        Self.giveMemoryBack()
        var notices: [String] = []
        for model in newcomers {
            do throws(LensError) {
                _ = try open(model.folder)
            } catch {
                notices.append("the model '\(model.name)' of the configuration cannot be served: \(error.message)")
            }
        }
        return notices
    }
}

extension ModelRegistry.State {
    /// - Returns: the models that are new here, and the loads that nobody waits for any more.
    fileprivate mutating func reconfigure(_ known: [KnownModel]) -> (newcomers: [KnownModel], loads: [ModelLoad]) {
        var newcomers: [KnownModel] = []
        var loads: [ModelLoad] = []
        var configured: [ModelRegistry.Entry] = []
        for model in known {
            // One that the administrator has renamed is still the same folder, and gets its configured name back.
            let index =
                entries.firstIndex { $0.known.name == model.name && $0.known.folder == model.folder }
                ?? entries.firstIndex { entry in
                    entry.known.origin == .configured && entry.known.folder == model.folder
                        && !known.contains { $0.name == entry.known.name }
                }
            guard let index else {
                newcomers.append(model)
                configured.append(ModelRegistry.Entry(known: model))
                continue
            }
            var entry = entries.remove(at: index)
            entry.known = model
            entry.description?.name = model.name
            configured.append(entry)
        }
        // What is left of the configured ones is not any more; a folder of the state is a model only where its name is
        // free and the configuration does not name the folder.
        func isGone(_ entry: ModelRegistry.Entry) -> Bool {
            entry.known.origin == .configured
                || known.contains { $0.name == entry.known.name || $0.folder == entry.known.folder }
        }
        for index in entries.indices where isGone(entries[index]) {
            if let load = entries[index].load { loads.append(load) }
            drop(index)
        }
        entries.removeAll(where: isGone)
        entries = configured + entries
        return (newcomers, loads)
    }
}
