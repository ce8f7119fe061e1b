import LensCore
import Testing
import lensctl

@Suite struct JSONTests {
    @Test func membersKeepTheirOrder() {
        let json = JSON.object([("schema", .integer(1)), ("b", .array([.bool(true), .null])), ("a", .string("x"))])
        #expect(json.text == #"{"schema":1,"b":[true,null],"a":"x"}"#)
    }

    @Test func whatIsNoFiniteNumberIsNull() {
        let numbers: [JSON] = [
            .number(.nan), .number(.infinity), .float(-.infinity), .float(.nan), .number(1.5), .float(0.1),
        ]
        #expect(JSON.array(numbers).text == "[null,null,null,null,1.5,0.1]")
        #expect(JSON.number(1e300).text == "1e+300")
        #expect(JSON.number(-0.0).text == "-0.0")
    }

    @Test func stringsAreEscaped() {
        #expect(
            JSON.string("a\"b\\c\n\t\r\u{0}\u{1B}\u{7F}\u{9B}é🙂").text == #""a\"b\\c\n\t\r\u0000\u001b\u007f\u009bé🙂""#)
        #expect(JSON.string("\r\n").text == #""\r\n""#)
    }

    @Test func tensorsAreNestedByTheirShape() {
        #expect(JSON.tensor([1, 2, 3, 4, 5, .nan], shape: [2, 3]).text == "[[1.0,2.0,3.0],[4.0,5.0,null]]")
        #expect(JSON.tensor([7], shape: []).text == "7.0")
        #expect(JSON.tensor([], shape: [2, 0]).text == "[[],[]]")
        #expect(JSON.tensor([], shape: [0, 3]).text == "[]")
    }

    @Test func errorsHaveTheContractsShape() {
        #expect(
            JSON.error(code: "NOT_FOUND", message: "no run 'x'").text
                == #"{"error":{"code":"NOT_FOUND","message":"no run 'x'"}}"#)
    }
}
