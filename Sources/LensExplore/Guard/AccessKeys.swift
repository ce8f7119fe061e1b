internal import Synchronization

/// What lets a browser in: tokens, each good for one address and one time, and the cookie that it gets for one.
final class AccessKeys: Sendable {
    enum Redemption: Sendable {
        case good, used, unknown
    }

    private struct Token {
        let secret = Secret()
        var isUsed = false
    }

    private let cookie = Secret()
    private let tokens = Mutex<[Token]>([])
    /// Browsers send cookies to every port of a host: the name says which server it is for.
    private let cookieName = "lensctl-\(Secret().text.prefix(16))"

    /// A new one-time token.
    func makeToken() -> String {
        let token = Token()
        tokens.withLock { $0.append(token) }
        return token.secret.text
    }

    /// Takes a token, which is good no more from then on.
    func redeem(_ guess: some StringProtocol) -> Redemption {
        tokens.withLock { tokens in
            // All are compared, whichever it is.
            let found = tokens.indices.filter { tokens[$0].secret.matches(guess) }
            guard let index = found.first else { return .unknown }
            defer { tokens[index].isUsed = true }
            return tokens[index].isUsed ? .used : .good
        }
    }

    /// The header that hands the cookie out: out of reach of scripts, and sent by pages of this host only.
    var setCookie: String { "\(cookieName)=\(cookie.text); Path=/; HttpOnly; SameSite=Strict" }

    /// Whether `Cookie` headers carry the cookie.
    func admits(_ headers: [String]) -> Bool {
        var isAdmitted = false
        for header in headers {
            for pair in header.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == cookieName else { continue }
                if cookie.matches(parts[1]) { isAdmitted = true }
            }
        }
        return isAdmitted
    }
}
