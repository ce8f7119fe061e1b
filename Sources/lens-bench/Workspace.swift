import Glibc
import LensClient
import LensCore

/// The benchmark's own folder, with what it makes: random checkpoints, daemons with socket and state.
final class Workspace {
    private let path: String
    private var checkpoints: [String: String] = [:]

    init(in parent: String) throws {
        var template = Array("\(parent)/lens-bench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw BenchError("cannot make a folder in \(parent)") }
        path = String(cString: made)
    }

    func remove() {
        // Two levels, made by us and our daemons.
        for entry in Self.entries(path) {
            for inner in Self.entries(entry) { unlink(inner) }
            if rmdir(entry) != 0 { unlink(entry) }
        }
        rmdir(path)
    }

    private static func entries(_ folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append("\(folder)/\(name)") }
        }
        return names
    }

    /// A program of the same build.
    func program(_ name: String) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/" + name
    }

    func startDaemon(name: String, model: String?) async throws -> Daemon {
        let socket = "\(path)/\(name).sock"
        let arguments =
            ["--socket", socket, "--state", "\(path)/\(name)"] + (model.map { ["--model", "\(name)=\($0)"] } ?? [])
        let process = try ChildProcess(program("lensd"), arguments)
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            if let connection = try? SocketLocator(socket: socket).connect(client: "lens-bench") {
                return Daemon(process: process, socket: socket, connection: connection)
            }
            guard ContinuousClock.now < deadline else {
                process.terminate()
                throw BenchError("lensd did not become ready within 60 s")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: - Checkpoints

    /// What a random GPT-Neo of a benchmark looks like; vocabulary and context are TinyStories'.
    struct Shape {
        let name: String
        let layers: Int
        let heads: Int
        let dModel: Int

        /// TinyStories-1Layer-21M's.
        static let a = Shape(name: "shape-a", layers: 1, heads: 16, dModel: 1024)
        /// GPT-Neo-125M's, every layer seeing everything before it.
        static let twelveLayers = Shape(name: "layers-12", layers: 12, heads: 12, dModel: 768)
    }

    /// A folder with random weights of a shape; written once.
    func checkpoint(_ shape: Shape) throws -> String {
        if let path = checkpoints[shape.name] { return path }
        let folder = "\(path)/\(shape.name)"
        guard mkdir(folder, 0o755) == 0 else { throw BenchError("cannot make \(folder)") }
        let (d, mlp, vocab, context) = (shape.dModel, 4 * shape.dModel, 50257, 2048)
        var tensors: [(String, [Int])] = [
            ("transformer.wte.weight", [vocab, d]), ("transformer.wpe.weight", [context, d]),
        ]
        for layer in 0..<shape.layers {
            let h = "transformer.h.\(layer)"
            tensors += [
                ("\(h).ln_1.weight", [d]), ("\(h).ln_1.bias", [d]),
                ("\(h).attn.attention.q_proj.weight", [d, d]), ("\(h).attn.attention.k_proj.weight", [d, d]),
                ("\(h).attn.attention.v_proj.weight", [d, d]), ("\(h).attn.attention.out_proj.weight", [d, d]),
                ("\(h).attn.attention.out_proj.bias", [d]), ("\(h).ln_2.weight", [d]), ("\(h).ln_2.bias", [d]),
                ("\(h).mlp.c_fc.weight", [mlp, d]), ("\(h).mlp.c_fc.bias", [mlp]),
                ("\(h).mlp.c_proj.weight", [d, mlp]), ("\(h).mlp.c_proj.bias", [d]),
            ]
        }
        tensors += [("transformer.ln_f.weight", [d]), ("transformer.ln_f.bias", [d])]
        try Self.writeRandomWeights(tensors, to: "\(folder)/model.safetensors")
        let configuration = """
            {"architectures":["GPTNeoForCausalLM"],"model_type":"gpt_neo","hidden_size":\(d),"num_layers":\(shape.layers),"num_heads":\(shape.heads),\
            "intermediate_size":\(mlp),"max_position_embeddings":\(context),"vocab_size":\(vocab),\
            "attention_types":[[["global"],\(shape.layers)]],"window_size":256,"activation_function":"gelu_new",\
            "layer_norm_epsilon":1e-05,"tie_word_embeddings":true,"bos_token_id":50256,"eos_token_id":50256}
            """
        try Self.write(Array(configuration.utf8), to: "\(folder)/config.json")
        let vocabulary = (0..<256).map { "\"\(Self.byteCharacter($0))\":\($0)" } + ["\"<|endoftext|>\":50256"]
        let tokenizer = """
            {"version":"1.0","added_tokens":[{"id":50256,"content":"<|endoftext|>","special":true,"lstrip":false,\
            "rstrip":false,"single_word":false,"normalized":false}],"normalizer":null,\
            "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},\
            "post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},\
            "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,\
            "end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,\
            "vocab":{\(vocabulary.joined(separator: ","))},"merges":[]}}
            """
        try Self.write(Array(tokenizer.utf8), to: "\(folder)/tokenizer.json")
        checkpoints[shape.name] = folder
        return folder
    }

    /// GPT-2's printable character for a byte, as JSON text.
    private static func byteCharacter(_ byte: Int) -> String {
        let printable = (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
        let isPlain: (Int) -> Bool = { (33...126).contains($0) || (161...172).contains($0) || (174...255).contains($0) }
        let code = printable ? byte : 256 + (0..<byte).count { !isPlain($0) }
        let character = Unicode.Scalar(UInt32(code)).map { String(Character($0)) } ?? ""
        return character == "\"" || character == "\\" ? "\\" + character : character
    }

    private static func writeRandomWeights(_ tensors: [(String, [Int])], to path: String) throws {
        var offset = 0
        let entries = tensors.map { name, shape in
            let bytes = 4 * shape.reduce(1, *)
            defer { offset += bytes }
            return "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(offset),\(offset + bytes)]}"
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        guard let file = fopen(path, "wb") else { throw BenchError("cannot write \(path)") }
        defer { fclose(file) }
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { _ = fwrite($0.baseAddress, 1, 8, file) }
        fwrite(header, 1, header.count, file)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        for (name, shape) in tensors {
            // Layer norms scale by one; the rest is small noise, as in a fresh model.
            let isNorm = name.contains("ln_") && name.hasSuffix("weight")
            let values = (0..<shape.reduce(1, *)).map { _ -> Float in
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return (isNorm ? 1 : 0) + 0.04 * (Float(state >> 40) / Float(1 << 23) - 1)
            }
            guard fwrite(values, 4, values.count, file) == values.count else {
                throw BenchError("cannot write \(path)")
            }
        }
    }

    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "wb") else { throw BenchError("cannot write \(path)") }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw BenchError("cannot write \(path)") }
    }
}

/// A private daemon of the benchmark's.
struct Daemon {
    let process: ChildProcess
    let socket: String
    let connection: LensConnection

    func stop() {
        connection.close()
        process.terminate()
    }
}
