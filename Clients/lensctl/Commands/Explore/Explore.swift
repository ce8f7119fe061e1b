import ArgumentParser
import LensCore
import LensExplore
import LensTerminal

struct Explore: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a live page in the browser: look at a prompt, change the model, see what changes.",
        discussion: """
            The page is served by this command on 127.0.0.1, to your own browser only: the printed address lets one \
            browser in, once, and other users of the machine are turned away. It needs no network. Ctrl-C ends it.

            --save writes the first look as one HTML file that needs no daemon; the page itself saves what it shows.

            Examples:
              lensctl explore "When Mary and John went to the store, John gave a drink to"
              lensctl explore --model tinytales-1l@raw
              lensctl explore --file story.txt --save story.html

            On another machine, over ssh (the port must have the same number on both sides):
              ssh -t -L 8765:127.0.0.1:8765 HOST lensctl explore --no-browser --port 8765
            then open the address that it prints in the browser here.
            """)

    @OptionGroup var input: PromptOptions
    @Option(help: ArgumentHelp("Listen on this port of 127.0.0.1. Default: one that is free.", valueName: "n"))
    var port: Int?
    @Flag(help: "Print the address and open nothing.")
    var noBrowser = false
    @Option(help: ArgumentHelp("Write a page that needs no daemon, and serve nothing.", valueName: "file"))
    var save: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        if save != nil { try input.validateIsGiven() }
        guard (1...65535).contains(port ?? 1) else {
            throw ValidationError("--port is a number in 1...65535; received \(port ?? 0)")
        }
    }

    func run(on console: Console) async throws {
        let prompt = input.isGiven ? try input.prompt() : nil
        // The page says what is the matter, and has a button to try again.
        let connection = try global.connect(retry: nil)
        let api = ExploreAPI(connection: connection, model: try global.modelReference(), prompt: prompt)
        if let save {
            try OutputFile.write(try await api.savedPage(), to: save)
            return console.answer(.object([("schema", .integer(1)), ("html", .string(save))])) { terminal in
                [StyledText("page: \(terminal.visible(line: save))")]
            }
        }
        let server = try await ExploreServer.start(api, port: port)
        do {
            try await serve(server, on: console)
        } catch {
            await server.shutdown()
            throw error
        }
    }

    /// Until Ctrl-C.
    private func serve(_ server: ExploreServer, on console: Console) async throws {
        let address = server.makeAddress()
        console.answer(
            .object([("schema", .integer(1)), ("address", .string(address)), ("port", .integer(server.port))])
        ) { _ in
            [
                StyledText("The page is at, for one browser and one time:"), "", StyledText("  \(address)"), "",
                StyledText("Ctrl-C ends it.", .faint),
            ]
        }
        var letter: OpeningFile?
        defer { letter?.remove() }
        if !noBrowser, !console.isJSON {
            do throws(LensError) {
                let browser = try Browser.find()
                // The browser's own address, so that the printed one stays good; in a file, as every user of the machine
                // sees the arguments of a program.
                let file = try OpeningFile(for: server.makeAddress())
                letter = file
                try browser.open(file.path)
            } catch {
                console.remark("\(error.message); open the address yourself")
            }
        }
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}
